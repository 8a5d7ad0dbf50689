use milena_types::Offset;

use crate::testing::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_a_crash_and_after_a_flush() {
    let mut broker = Broker::new();
    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 1).await;
    for i in 0..10 {
        let appended = append(&partition, batch(&[i * 10, i * 10 + 1])).await;
        assert_eq!(appended.base_offset, Offset(i * 2));
    }
    let written = read_all(&partition, 0, 200).await;
    assert_eq!(written.len(), 20);
    drop((partition, storage));

    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 2).await;
    assert_eq!(read_all(&partition, 0, 200).await, written);
    storage.flush().await.expect("a flush");
    append(&partition, batch(&[1000])).await;
    assert_eq!(read_all(&partition, 0, 200).await[..20], written);
    drop((partition, storage));

    let storage = broker.open().await;
    let partition = open_partition(&storage, 0, 3).await;
    assert_eq!(read_all(&partition, 0, 200).await[..20], written);
    assert_eq!(partition.bounds().high_watermark, Offset(21));
}
