//! One client of a run.

use std::{sync::Arc, time::Duration};

use milena_client::{Client, ClientConfig, ClientError, Connection, TopicInfo};
use milena_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use milena_runtime::Runtime;
use milena_types::BrokerId;

use crate::{
    environment,
    seeded_rng::SeededRng,
    topics::NumberedPartition,
    world::{Phase, World},
};

/// One client.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) world: Arc<World>,
    pub(crate) name: String,
    pub(crate) client: Client,
    pub(crate) rng: SeededRng,
}

impl Actor {
    pub(crate) fn new(world: &Arc<World>, name: String) -> Self {
        let runtime: Runtime =
            environment::runtime(world.seed, &name, &world.clock, &world.slow_disk);
        let client = Client::new(client_config(world, &name), runtime);
        let rng = SeededRng::new(world.seed, &name);
        Self { world: world.clone(), client, name, rng }
    }

    /// Goes on with new connections: what a simulated network has lost is never sent again, so that
    /// a connection on which something was lost stays silent.
    pub(crate) fn reconnect(&mut self) {
        let runtime = self.client.runtime().clone();
        self.client = Client::new(client_config(&self.world, &self.name), runtime);
    }

    pub(crate) async fn rest(&self, ms: std::ops::Range<u64>) {
        tokio::time::sleep(self.rng.millis(ms)).await;
    }

    /// Whether clients still work.
    pub(crate) fn is_working(&self) -> bool {
        self.world.is(Phase::Working)
    }

    /// The leader of a partition as far as this client knows.
    pub(crate) async fn leader(
        &self,
        partition: &NumberedPartition,
    ) -> Result<(Connection, Arc<TopicInfo>), ClientError> {
        let info = self.client.topic(partition.topic).await?;
        let found =
            info.partitions.iter().find(|p| p.index == partition.partition).and_then(|p| p.leader);
        let Some(leader) = found else {
            self.client.forget_topic(partition.topic);
            return Err(ClientError::NoBootstrap);
        };
        match self.client.broker(leader).await {
            Ok(connection) => Ok((connection, info)),
            Err(error) => {
                self.client.forget_topic(partition.topic);
                Err(error)
            }
        }
    }

    /// The coordinator of a group, to be asked for its errors too.
    pub(crate) async fn coordinator(&self, group: &str) -> Result<Connection, ClientError> {
        let (key, coordinator_keys) = (group.into(), vec![group.into()]);
        let request = FindCoordinatorRequest { key, coordinator_keys, ..Default::default() };
        // Its addresses are what coordinators are found by.
        self.client.metadata(Some(&[])).await?;
        let response = self.client.any_broker().await?.call(&request).await?;
        let node = response.coordinators.first().map_or(response.node_id, |found| found.node_id);
        self.client.broker(BrokerId(node)).await
    }
}

fn client_config(world: &World, name: &str) -> ClientConfig {
    let mut config = ClientConfig::new(&world.bootstrap());
    config.connection.client_id = name.to_owned();
    config.connection.connect_timeout = Duration::from_millis(500);
    config.connection.request_timeout = Duration::from_secs(2);
    config.call_timeout = Duration::from_secs(4);
    config
}
