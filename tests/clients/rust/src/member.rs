//! A group member that consumes in a thread of its own.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rdkafka::{
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
};
use serde_json::{Value, json};

use crate::{Result, record::Record};

pub struct Member {
    consumer: Arc<BaseConsumer>,
    inbox: Arc<Mutex<Inbox>>,
    leaving: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Inbox {
    records: Vec<Record>,
    failure: Option<KafkaError>,
}

impl Member {
    pub fn new(consumer: BaseConsumer) -> Self {
        let (consumer, inbox, leaving) =
            (Arc::new(consumer), Arc::default(), Arc::new(AtomicBool::new(false)));
        let (mine, filled, left) =
            (Arc::clone(&consumer), Arc::clone(&inbox), Arc::clone(&leaving));
        let thread = thread::spawn(move || consume(&mine, &filled, &left));
        Self { consumer, inbox, leaving, thread }
    }

    pub fn poll(&self, seconds: f64) -> Result<Value> {
        let deadline = Instant::now() + Duration::from_secs_f64(seconds);
        loop {
            let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(failure) = inbox.failure.take() {
                return Err(failure.into());
            }
            if !inbox.records.is_empty() || Instant::now() > deadline {
                let assignment = self.consumer.assignment()?;
                let partitions: Vec<_> =
                    assignment.elements().iter().map(|e| e.partition()).collect();
                let records = std::mem::take(&mut inbox.records);
                return Ok(json!({ "records": records, "assignment": partitions }));
            }
            drop(inbox);
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn commit(&self) -> Result<()> {
        match self.consumer.commit_consumer_state(CommitMode::Sync) {
            // Nothing was read since the last commit.
            Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Leaves the group, unless the member is static.
    pub fn close(self) {
        self.leaving.store(true, Ordering::Release);
        if self.thread.join().is_err() {
            eprintln!("the member's thread panicked");
        }
    }
}

fn consume(consumer: &BaseConsumer, inbox: &Mutex<Inbox>, leaving: &AtomicBool) {
    while !leaving.load(Ordering::Acquire) {
        let message = consumer.poll(Duration::from_millis(50));
        let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
        match message {
            Some(Ok(message)) => inbox.records.push(Record::from(&message)),
            Some(Err(error)) => inbox.failure = Some(error),
            None => {}
        }
    }
}
