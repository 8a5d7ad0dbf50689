//! Clients that go away while their request waits.

use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_secs(10);

/// Waits until a request ends, then says so as the cluster's id.
struct Waits(OfferedApis);

impl RequestService for Waits {
    fn offered(&self) -> &OfferedApis {
        &self.0
    }

    async fn handle(&self, context: &RequestContext, _body: Decoder) -> Handled {
        context.ended().await;
        let cluster_id = if context.is_abandoned() { "abandoned" } else { "late" }.into();
        DescribeClusterResponse { cluster_id, ..Default::default() }.into_handled(context)
    }
}

/// A client of a served connection, and the scope that the connection's task is in.
async fn connect(time_max: Duration) -> (DuplexStream, milena_runtime::Runtime, OfflineCluster) {
    let cluster = OfflineCluster::new(1, &[]).await;
    let mut api = ApiDefinition::new(ApiKey::DescribeCluster, 0..=2);
    api.time_max = Some(time_max);
    let api: &'static ApiDefinition = Box::leak(Box::new(api));
    let version = "4.1".parse().unwrap();
    let network = network(&cluster, Waits(OfferedApis::new(version, [api].into_iter())));
    let runtime = network.runtime.clone();
    let address = "127.0.0.1:9092".parse().unwrap();
    let (client, server) = tokio::io::duplex(1 << 20);
    let connection = Connection::new(server, address, &Listener::plaintext(address), network);
    runtime.spawn(connection.run());
    (client, runtime, cluster)
}

fn requests(number: usize) -> Vec<u8> {
    let one = encode_request(&DescribeClusterRequest::default(), VERSION, 7, None).to_bytes();
    one.repeat(number)
}

/// What the client gets: a cluster's id for each response.
async fn responses(client: &mut DuplexStream) -> Vec<String> {
    let mut ids = Vec::new();
    while let Ok(length) = client.read_i32().await {
        let mut response = vec![0; usize::try_from(length).unwrap()];
        client.read_exact(&mut response).await.unwrap();
        let response = decode_response::<DescribeClusterRequest>(response.into(), VERSION).unwrap();
        ids.push(response.cluster_id.to_string());
    }
    ids
}

#[tokio::test]
async fn a_wait_ends_with_its_client() {
    for behind in [0, 3, 2000] {
        let (mut client, runtime, _cluster) = connect(Duration::from_secs(3600)).await;
        client.write_all(&requests(1 + behind)).await.unwrap();
        // The request is being handled.
        tokio::task::yield_now().await;
        drop(client);
        if behind > 1000 {
            // A pipe does not tell of its end behind what is unread.
            runtime.stop();
        }
        timeout(SOON, async { while !is_idle(&runtime).await {} }).await.expect("it has ended");
    }
}

/// Whether the scope has no task left.
async fn is_idle(runtime: &milena_runtime::Runtime) -> bool {
    runtime.sleep(Duration::from_millis(1)).await;
    runtime.task_count() == 0
}

#[tokio::test]
async fn who_only_stops_sending_gets_the_responses() {
    let (mut client, _runtime, _cluster) = connect(Duration::from_secs(3600)).await;
    client.write_all(&requests(3)).await.unwrap();
    client.shutdown().await.unwrap();
    let ids = timeout(SOON, responses(&mut client)).await.expect("the responses and the end");
    assert_eq!(ids, ["abandoned"; 3]);
}

#[tokio::test]
async fn requests_behind_one_that_waits_are_handled_in_order() {
    let (mut client, _runtime, _cluster) = connect(Duration::from_millis(1)).await;
    client.write_all(&requests(1000)).await.unwrap();
    let both = async {
        for _ in 0..1000 {
            let length = client.read_i32().await.unwrap();
            let mut response = vec![0; usize::try_from(length).unwrap()];
            client.read_exact(&mut response).await.unwrap();
            let response =
                decode_response::<DescribeClusterRequest>(response.into(), VERSION).unwrap();
            assert_eq!(response.cluster_id, *"late");
        }
    };
    timeout(6 * SOON, both).await.expect("1000 responses");
}
