//! Producers that wait for flushes.

use std::collections::HashMap;

use milena_types::BrokerId;

use super::*;
use crate::{AdmitError, FlushError, catalog::records::LogId};

#[expect(clippy::disallowed_methods, reason = "nothing here is simulated")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn producers_wait_when_flushing_falls_behind_and_memory_stays_bounded() {
    let disk = MemoryDisk::default();
    let mut broker = Broker::on(&disk);
    let mut config = broker.config();
    config.memory = MemoryBudget { unflushed_bytes: 20_000, tail_bytes: 0 };
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    broker.metadata.set_unavailable(true);
    let large = batch(&vec![1; 500]);
    let mut taken = 0;
    loop {
        let admitted =
            tokio::time::timeout(Duration::from_millis(100), storage.admit(large.size())).await;
        let Ok(permit) = admitted else { break };
        append(&partition, large.clone()).await;
        drop(permit);
        taken += large.size();
        assert!(taken <= 20_000, "more was accepted than may be");
    }
    assert!(taken > 10_000 && storage.pressure() > 0.5);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        match storage.admit_within(large.size(), Duration::from_millis(50)).await {
            Err(AdmitError::Stalled { reason }) => break assert!(reason.contains("switched off")),
            // Until the first flush has failed.
            Err(AdmitError::TimedOut) => assert!(std::time::Instant::now() < deadline),
            Ok(_) => panic!("there is no room"),
        }
    }
    broker.metadata.set_unavailable(false);
    let admitted = tokio::time::timeout(Duration::from_secs(20), storage.admit(large.size())).await;
    drop(admitted.expect("flushing frees memory"));
    // A request larger than everything passes alone.
    let admitted = tokio::time::timeout(Duration::from_secs(20), storage.admit(1 << 30)).await;
    drop(admitted.expect("one huge request is admitted"));
}

/// What this broker flushes for others takes none of the producers' memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_brokers_log_is_no_reason_why_a_producer_waits() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let own = storage.core.id;
    let others = LogId { broker: BrokerId(own.broker.0 + 1), ..own };
    let mut failing = HashMap::new();
    let why = || storage.core.budget.why_not_admitted();
    storage.flusher.note_failure(others, &FlushError::Stopping, &mut failing);
    assert!(matches!(why(), AdmitError::TimedOut), "{}", why());
    storage.flusher.note_failure(own, &FlushError::Stopping, &mut failing);
    assert!(matches!(why(), AdmitError::Stalled { .. }), "{}", why());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_that_waits_for_memory_fails_when_the_epoch_ends() {
    let mut broker = Broker::new();
    let mut config = broker.config();
    config.memory = MemoryBudget { unflushed_bytes: 500, ..MemoryBudget::default() };
    let storage = broker.open_with(config).await;
    let partition = open_partition(&storage, 0, 1).await;
    broker.metadata.set_unavailable(true);
    append(&partition, batch(&vec![1; 100])).await;
    let waits = storage.admit(500);
    let seal = async { storage.core.log().expect("it runs").seal().await };
    let ended = async { tokio::join!(waits, seal) };
    let (admission, _) =
        tokio::time::timeout(Duration::from_secs(20), ended).await.expect("nobody waits");
    assert!(partition.append(&[batch(&[1])], &CLIENT).is_err());
    drop(admission);
}
