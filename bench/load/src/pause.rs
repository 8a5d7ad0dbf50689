//! The pause of writes to each partition while a broker fails: one record after the other goes to
//! every partition of a topic, and the longest time between two acknowledgements of a partition is
//! its pause. That includes the time between records, which is reported beside.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use milena_client::{Client, ClientConfig, Producer, ProducerConfig, ProducerRecord};
use milena_runtime::Runtime;

/// The time between two records of a partition, unless there are so many partitions that it has to
/// be longer.
const EVERY_MIN: Duration = Duration::from_millis(5);
/// Records a second, over all partitions.
const RATE_MAX: u32 = 5000;

/// Runs for so long, says `ready` on standard error when every partition was written to, and
/// reports the pauses.
pub(crate) fn run(bootstrap: &str, topic: &str, seconds: u64) -> anyhow::Result<serde_json::Value> {
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    executor.block_on(measure(bootstrap, topic, Duration::from_secs(seconds)))
}

async fn measure(
    bootstrap: &str,
    topic: &str,
    time: Duration,
) -> anyhow::Result<serde_json::Value> {
    let runtime = Runtime::system();
    let client = Client::new(ClientConfig::new(bootstrap), runtime.clone());
    let partitions = client.describe_topic(topic).await?.partitions.len() as i32;
    let every = EVERY_MIN.max(Duration::from_secs(1) * partitions as u32 / RATE_MAX);
    let config = ProducerConfig { linger: Duration::ZERO, ..ProducerConfig::default() };
    let producer = Arc::new(Producer::new(client, config));
    for partition in 0..partitions {
        producer.send_and_wait(record(topic, partition)).await?;
    }
    eprintln!("ready");
    let deadline = Instant::now() + time;
    let writes = (0..partitions).map(|partition| {
        let (producer, topic) = (producer.clone(), topic.to_owned());
        runtime.spawn(async move {
            let (mut last, mut longest, mut records) = (Instant::now(), Duration::ZERO, 0_u64);
            while Instant::now() < deadline {
                producer.send_and_wait(record(&topic, partition)).await?;
                longest = longest.max(last.elapsed());
                last = Instant::now();
                records += 1;
                tokio::time::sleep(every).await;
            }
            anyhow::Ok((longest, records))
        })
    });
    let writes: Vec<_> = writes.collect();
    let (mut pauses, mut records) = (Vec::with_capacity(writes.len()), 0);
    for write in writes {
        let (pause, written) = write.await??;
        pauses.push(pause.as_secs_f64() * 1000.0);
        records += written;
    }
    pauses.sort_by(f64::total_cmp);
    let at = |part: usize| pauses[(pauses.len() - 1) * part / 100];
    Ok(serde_json::json!({
        "partitions": partitions, "records": records, "every_ms": every.as_millis() as u64,
        "pause_ms_p50": at(50), "pause_ms_p99": at(99), "pause_ms_max": at(100),
    }))
}

fn record(topic: &str, partition: i32) -> ProducerRecord {
    let (topic, value) = (topic.to_owned(), Some("x".repeat(100).into()));
    ProducerRecord { topic, partition: Some(partition), value, ..ProducerRecord::default() }
}
