//! The producer id that makes retries harmless (KIP-98), shared by the partitions of one producer.
//!
//! A sequence that may have a gap (a batch given up with its fate unknown) cannot be continued: the
//! producer then takes a new id, and every partition begins again at sequence 0.

use milena_protocol::messages::init_producer_id_request::InitProducerIdRequest;
use milena_types::{ProducerEpoch, ProducerId};

use crate::{Client, ClientError};

/// A producer id and how many there were before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) generation: u64,
    pub(super) id: ProducerId,
    pub(super) epoch: ProducerEpoch,
}

pub(super) struct Identities {
    client: Client,
    /// The current one, and the generation that the next one gets. Held while one is asked for.
    current: tokio::sync::Mutex<(Option<Identity>, u64)>,
}

impl Identities {
    pub(super) fn new(client: Client) -> Self {
        Self { client, current: tokio::sync::Mutex::new((None, 1)) }
    }

    /// The current identity, asked for when there is none.
    pub(super) async fn current(&self) -> Result<Identity, ClientError> {
        let mut current = self.current.lock().await;
        if let Some(identity) = current.0 {
            return Ok(identity);
        }
        let request =
            InitProducerIdRequest { transaction_timeout_ms: i32::MAX, ..Default::default() };
        let mut retry = self.client.retry();
        let response = loop {
            let response = self.client.call_any(&request).await?;
            match ClientError::check("asking for a producer id", response.error_code, None) {
                Ok(()) => break response,
                Err(error) => retry.after(error).await?,
            }
        };
        let identity = Identity {
            generation: current.1,
            id: ProducerId(response.producer_id),
            epoch: ProducerEpoch(response.producer_epoch),
        };
        *current = (Some(identity), current.1 + 1);
        Ok(identity)
    }

    /// Gives an identity up, if it is still the current one.
    pub(super) async fn give_up(&self, generation: u64) {
        let mut current = self.current.lock().await;
        if current.0.is_some_and(|identity| identity.generation == generation) {
            current.0 = None;
        }
    }
}
