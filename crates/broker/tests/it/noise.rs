//! Bytes from the network never panic the process (invariant 7), and a bad request affects nothing
//! else.

use std::sync::atomic::{AtomicUsize, Ordering};

use milena_broker::served;
use milena_protocol::{KafkaVersion, messages::api_versions_request::ApiVersionsRequest};

use crate::cluster::Cluster;

static PANICS_OUTSIDE_TESTS: AtomicUsize = AtomicUsize::new(0);

/// Counts panics of the broker's own tasks, which are not joined; those of tests fail their test.
fn count_panics() {
    let earlier = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.location().is_some_and(|place| !place.file().contains("tests/it")) {
            PANICS_OUTSIDE_TESTS.fetch_add(1, Ordering::SeqCst);
        }
        earlier(panic);
    }));
}

/// The same bytes in every run (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Bytes that are often small numbers, so that counts and lengths are often believable.
    fn body(&mut self) -> Vec<u8> {
        let length = self.next() % 120;
        (0..length)
            .map(|_| match self.next() % 4 {
                0 => 0,
                1 => (self.next() % 4) as u8,
                2 => b'a' + (self.next() % 3) as u8,
                _ => self.next() as u8,
            })
            .collect()
    }
}

#[tokio::test]
async fn noise_behind_every_header_panics_nothing_and_the_broker_goes_on() {
    count_panics();
    let cluster = Cluster::of_version("3.9").await;
    cluster.create_topic("a", 2).await;
    let version: KafkaVersion = "3.9".parse().expect("a Kafka version");
    let mut noise = Noise(0x2545_F491_4F6C_DD1D);
    for key in served().map(|api| api.key) {
        for version in version.api_range(key).into_iter().flatten() {
            for _ in 0..8 {
                let mut frame = vec![0; 4];
                frame.extend_from_slice(&key.code().to_be_bytes());
                frame.extend_from_slice(&version.to_be_bytes());
                frame.extend_from_slice(&[0, 0, 0, 1, 0, 1, b'a']);
                if key.request_header_version(version) >= 2 {
                    frame.push(0);
                }
                frame.extend_from_slice(&noise.body());
                let length = (frame.len() - 4) as i32;
                frame[..4].copy_from_slice(&length.to_be_bytes());
                // The response is not awaited, since it may take long; the connection is dropped.
                cluster.connect(1).await.send_raw(&frame).await;
            }
        }
    }
    let answered = cluster.connect(1).await.call(0, &ApiVersionsRequest::default()).await;
    assert_eq!(answered.error_code, 0);
    cluster.stop().await;
    assert_eq!(PANICS_OUTSIDE_TESTS.load(Ordering::SeqCst), 0);
}
