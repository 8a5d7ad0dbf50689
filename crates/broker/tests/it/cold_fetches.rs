//! Fetches of records that are in segments only: few reads of objects, and no more time than they
//! have.

use std::{collections::HashMap, sync::Arc, time::Duration};

use milena_broker::BrokerTuning;
use milena_protocol::messages::{
    fetch_request::FetchRequest,
    fetch_response::{FetchResponse, PartitionData},
};
use milena_storage::{
    MemoryBudget,
    disk::{Disk, MemoryDisk},
    objects::{DiskObjects, FaultyStore, Objects},
};

use crate::{
    cluster::{Cluster, ClusterOptions},
    wire::{Client, batch, fetch_request, produce_request, records_in},
};

const VERSION: i16 = 12;

/// A broker that keeps nothing in memory that is in segments, with this object store, or a directory.
async fn cluster_with(objects: Option<&Arc<FaultyStore>>) -> Cluster {
    let memory = MemoryBudget { tail_bytes: 0, ..MemoryBudget::default() };
    let tuning = BrokerTuning { memory, ..BrokerTuning::default() };
    let objects = objects.map(|store| Objects::new(store.clone()));
    let options = ClusterOptions { brokers: 1, tuning, objects, ..ClusterOptions::default() };
    Cluster::start_with(options).await
}

fn objects() -> Arc<FaultyStore> {
    let disk: Arc<dyn Disk> = MemoryDisk::default().process();
    FaultyStore::new(Arc::new(DiskObjects::new(disk, "/objects", 1)))
}

async fn produce(client: &mut Client, partitions: std::ops::Range<i32>) {
    let data: Vec<_> =
        partitions.map(|partition| (partition, batch(&["a", "b"]).into_bytes())).collect();
    let response = client.call(9, &produce_request("t", &data, 1)).await;
    let mut produced = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    assert!(produced.all(|partition| partition.error_code == 0));
}

async fn flush(cluster: &Cluster) {
    cluster.broker(1).storage().flush().await.expect("a flush");
}

fn partitions(response: &FetchResponse) -> impl Iterator<Item = &PartitionData> {
    response.responses.iter().flat_map(|topic| &topic.partitions)
}

#[tokio::test]
async fn a_fetch_of_a_thousand_cold_partitions_reads_few_objects_and_starves_none() {
    const PARTITIONS: i32 = 1_000;
    let store = objects();
    let cluster = cluster_with(Some(&store)).await;
    cluster.create_topic("t", PARTITIONS).await;
    let mut client = cluster.connect(1).await;
    produce(&mut client, 0..PARTITIONS).await;
    flush(&cluster).await;
    store.take_reads();
    let mut offsets: HashMap<i32, i64> = (0..PARTITIONS).map(|partition| (partition, 0)).collect();
    let (mut fetches, mut reads) = (0, 0);
    while offsets.values().any(|offset| *offset < 2) {
        let mut asked: Vec<_> = offsets.iter().map(|(partition, at)| (*partition, *at)).collect();
        asked.sort_unstable();
        let mut request = fetch_request("t", &asked);
        request.max_wait_ms = 2_000;
        let response = client.call(VERSION, &request).await;
        fetches += 1;
        let mut served = 0;
        for data in partitions(&response) {
            assert_eq!((data.error_code, data.high_watermark), (0, 2));
            let read = records_in(data).len();
            served += read;
            *offsets.get_mut(&data.partition_index).expect("asked for") += read as i64;
        }
        assert!(served > 0, "fetch {fetches} gets on");
        let (now, at_a_time) = store.take_reads();
        reads += now;
        assert!(reads <= 16 * fetches, "{reads} reads in {fetches} fetches");
        // Those of the fetch before may not have ended.
        assert!(at_a_time <= 2 * 4, "{at_a_time} at a time");
    }
    // A list, details, and a block of each partition.
    assert!(reads <= 1_010, "{reads} reads");
    cluster.stop().await;
}

#[tokio::test]
async fn a_store_that_hangs_delays_only_those_who_need_it() {
    let store = objects();
    let cluster = cluster_with(Some(&store)).await;
    cluster.create_topic("t", 2).await;
    let mut client = cluster.connect(1).await;
    produce(&mut client, 0..2).await;
    flush(&cluster).await;
    produce(&mut client, 1..2).await;
    store.take_reads();
    store.hold_reads(true);
    let fetch = |partitions: &[(i32, i64)], max_wait_ms| FetchRequest {
        max_wait_ms,
        ..fetch_request("t", partitions)
    };
    let began = cluster.runtime.monotonic();
    let response = client.call(VERSION, &fetch(&[(0, 0), (1, 2)], 9_000)).await;
    let read: Vec<_> = partitions(&response)
        .map(|data| (data.error_code, data.high_watermark, records_in(data).len()))
        .collect();
    assert_eq!(read, [(0, 2, 0), (0, 4, 2)], "what is in memory is returned");
    let took = cluster.runtime.monotonic() - began;
    assert!(took < Duration::from_secs(4), "{took:?}");
    // Records that come while it is being loaded are returned, too.
    let began = cluster.runtime.monotonic();
    let sent = client.send(VERSION, &fetch(&[(0, 0), (1, 4)], 9_000)).await;
    // Time for the fetch to begin its wait; one that has not finds the records at once.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut producer = cluster.connect(1).await;
    produce(&mut producer, 1..2).await;
    let response = client.receive::<FetchRequest>(VERSION, sent).await;
    assert_eq!(partitions(&response).map(|data| records_in(data).len()).sum::<usize>(), 2);
    let took = cluster.runtime.monotonic() - began;
    assert!(took < Duration::from_secs(4), "{took:?}");
    // One that has nothing else ends when its time is over.
    for _ in 0..3 {
        let began = cluster.runtime.monotonic();
        let response = client.call(VERSION, &fetch(&[(0, 0)], 300)).await;
        let read: Vec<_> =
            partitions(&response).map(|data| (data.error_code, records_in(data).len())).collect();
        assert_eq!(read, [(0, 0)]);
        let took = cluster.runtime.monotonic() - began;
        assert!((300..4_000).contains(&took.as_millis()), "{took:?}");
    }
    assert_eq!(store.take_reads().0, 1, "the same read, begun once");
    store.hold_reads(false);
    let response = client.call(VERSION, &fetch(&[(0, 0)], 9_000)).await;
    assert_eq!(partitions(&response).map(|data| records_in(data).len()).sum::<usize>(), 2);
    assert_eq!(store.take_reads().0, 1, "its block; the list was there");
    cluster.stop().await;
}

#[tokio::test]
async fn partitions_whose_objects_are_lost_do_not_starve_others() {
    const LOST: i32 = 20;
    let cluster = cluster_with(None).await;
    cluster.create_topic("t", LOST + 1).await;
    let mut client = cluster.connect(1).await;
    for partition in 0..=LOST {
        produce(&mut client, partition..partition + 1).await;
        flush(&cluster).await;
    }
    let files = cluster.object_files("segments");
    assert_eq!(files.len(), LOST as usize + 1);
    let numbers = |file: &std::path::PathBuf| {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        name.parse::<u64>().expect("a number")
    };
    let last = files.iter().max_by_key(|file| numbers(file)).expect("some");
    for file in files.iter().filter(|file| *file != last) {
        std::fs::remove_file(file).expect("it is there");
    }
    let asked: Vec<_> = (0..=LOST).map(|partition| (partition, 0)).collect();
    let mut request = FetchRequest { session_epoch: 0, ..fetch_request("t", &asked) };
    for fetch in 0.. {
        assert!(fetch < 4, "the one that can be read is not");
        let response = client.call(VERSION, &request).await;
        assert_eq!(response.error_code, 0);
        if partitions(&response).any(|data| !records_in(data).is_empty()) {
            break;
        }
        let (session_id, session_epoch) = (response.session_id, fetch + 1);
        request = FetchRequest { session_id, session_epoch, ..fetch_request("t", &[]) };
        request.topics.clear();
    }
    cluster.stop().await;
}
