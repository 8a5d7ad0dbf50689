//! Requests of which the next one begins before the last one has its response.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{sync::oneshot, time::timeout};

use super::*;
use crate::api::definition::NextRequest;

const SOON: Duration = Duration::from_secs(10);

/// When the handler of a request waits: before its connection's next request begins, or after.
enum Wait {
    InItsTurn(oneshot::Receiver<()>),
    ForItsCommit(oneshot::Receiver<()>),
}

/// Has each request wait in its own way. The response says its number as the cluster's id.
struct InTurn {
    offered: OfferedApis,
    waits: Mutex<VecDeque<Wait>>,
    begun: AtomicUsize,
}

impl RequestService for InTurn {
    fn offered(&self) -> &OfferedApis {
        &self.offered
    }

    async fn handle(&self, context: &RequestContext, _body: Decoder) -> Handled {
        let number = self.begun.fetch_add(1, Ordering::SeqCst);
        let wait = self.waits.lock().unwrap().pop_front().expect("a request too many");
        let response = move || DescribeClusterResponse {
            cluster_id: KString::from(format!("{number}")),
            ..Default::default()
        };
        match wait {
            Wait::InItsTurn(over) => {
                let _ = over.await;
                response().into_handled(context)
            }
            Wait::ForItsCommit(over) => Handled::when_committed(context, async move {
                let _ = over.await;
                response()
            }),
        }
    }
}

/// A client whose requests wait so, and the service. The pipe holds `capacity` bytes.
async fn connect(
    waits: Vec<Wait>,
    capacity: usize,
) -> (DuplexStream, Arc<Network<InTurn>>, OfflineCluster) {
    let cluster = OfflineCluster::new(1, &[]).await;
    let mut api = ApiDefinition::new(ApiKey::DescribeCluster, 0..=2);
    api.next_request = NextRequest::AfterEffect;
    let api: &'static ApiDefinition = Box::leak(Box::new(api));
    let number = waits.len();
    let service = InTurn {
        offered: OfferedApis::new("4.1".parse().unwrap(), [api].into_iter()),
        waits: Mutex::new(waits.into()),
        begun: AtomicUsize::new(0),
    };
    let mut network = network(&cluster, service);
    Arc::get_mut(&mut network).unwrap().limits.requests_in_flight_max = number;
    let address = "127.0.0.1:9092".parse().unwrap();
    let (mut client, server) = tokio::io::duplex(capacity);
    let served = Connection::new(server, address, &Listener::plaintext(address), network.clone());
    network.runtime.spawn(served.run());
    let request = encode_request(&DescribeClusterRequest::default(), VERSION, 7, None).to_bytes();
    client.write_all(&request.repeat(number)).await.unwrap();
    (client, network, cluster)
}

async fn all_begun(network: &Network<InTurn>) {
    let begun = async {
        while !network.service.waits.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, begun).await.expect("all requests are being handled");
}

async fn response(client: &mut DuplexStream) -> String {
    let read = async {
        let length = client.read_i32().await.unwrap();
        let mut response = vec![0; usize::try_from(length).unwrap()];
        client.read_exact(&mut response).await.unwrap();
        decode_response::<DescribeClusterRequest>(response.into(), VERSION).unwrap()
    };
    timeout(SOON, read).await.expect("a response").cluster_id.to_string()
}

#[tokio::test]
async fn responses_are_sent_while_the_request_behind_them_waits() {
    let (first, first_over) = oneshot::channel();
    let (second, second_over) = oneshot::channel();
    let (third, third_over) = oneshot::channel();
    let waits = vec![
        Wait::ForItsCommit(first_over),
        Wait::ForItsCommit(second_over),
        Wait::InItsTurn(third_over),
    ];
    let (mut client, network, _cluster) = connect(waits, 1 << 20).await;
    all_begun(&network).await;
    // In order: the second is ready first, and waits for its turn.
    second.send(()).unwrap();
    first.send(()).unwrap();
    assert_eq!(response(&mut client).await, "0");
    assert_eq!(response(&mut client).await, "1");
    third.send(()).unwrap();
    assert_eq!(response(&mut client).await, "2");
}

#[tokio::test]
async fn a_response_that_is_read_slowly_stays_whole_when_the_request_behind_it_is_done() {
    let (first, first_over) = oneshot::channel();
    let (second, second_over) = oneshot::channel();
    let waits = vec![Wait::ForItsCommit(first_over), Wait::InItsTurn(second_over)];
    let (mut client, network, _cluster) = connect(waits, 8).await;
    all_begun(&network).await;
    first.send(()).unwrap();
    let mut length = [0; 4];
    timeout(SOON, client.read_exact(&mut length)).await.expect("its beginning").unwrap();
    second.send(()).unwrap();
    let mut rest = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    timeout(SOON, client.read_exact(&mut rest)).await.expect("the rest").unwrap();
    let read = decode_response::<DescribeClusterRequest>(rest.into(), VERSION).unwrap();
    assert_eq!(read.cluster_id, *"0");
    assert_eq!(response(&mut client).await, "1");
}

#[tokio::test]
async fn a_request_is_handled_to_its_end_when_no_response_can_be_sent() {
    let (first, first_over) = oneshot::channel();
    let (second, second_over) = oneshot::channel();
    let waits = vec![Wait::ForItsCommit(first_over), Wait::InItsTurn(second_over)];
    let (client, network, _cluster) = connect(waits, 8).await;
    all_begun(&network).await;
    drop(client);
    first.send(()).unwrap();
    tokio::task::yield_now().await;
    second.send(()).expect("it is still being handled");
    let ended = async {
        while network.runtime.task_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, ended).await.expect("the connection ends");
}
