//! Configurations in the store.
//!
//! A configuration that is used cannot be deleted: a cluster that begins to use one writes its
//! `configuration-uses` record in the same transaction ([`uses`]), and a deletion goes through only
//! if that record has not changed since the clusters were looked at.

use milena_store::{Txn, Versioned};

use super::{
    ClusterStore,
    keys::{CONFIGURATIONS, ServiceKey, revisions_of},
};
use crate::{
    arn::ConfigurationUid,
    configuration::{ConfigurationRecord, ConfigurationRef, RevisionRecord},
    error::ApiError,
    record,
};

/// How often a deletion is decided on again.
const ATTEMPTS: usize = 20;

fn key(uid: &ConfigurationUid) -> String {
    ServiceKey::Configuration(uid.clone()).to_string()
}

fn uses_key(uid: &ConfigurationUid) -> String {
    ServiceKey::ConfigurationUse(uid.clone()).to_string()
}

fn revision_key(uid: &ConfigurationUid, revision: i64) -> String {
    ServiceKey::Revision(uid.clone(), revision).to_string()
}

/// The part of a transaction that makes a cluster use a configuration.
pub(crate) fn uses(configuration: Option<&ConfigurationRef>) -> Txn {
    let Some(configuration) = configuration else { return Txn::new() };
    let uid = &configuration.uid;
    Txn::new().exists(key(uid)).put(uses_key(uid), record::encode(&configuration.revision))
}

impl ClusterStore {
    pub(crate) async fn configuration(
        &self,
        uid: &ConfigurationUid,
    ) -> Result<Option<Versioned<ConfigurationRecord>>, ApiError> {
        let key = key(uid);
        let Some(found) = self.store.get(&key).await? else { return Ok(None) };
        Ok(Some(Versioned { value: record::decode(&key, &found.value)?, revision: found.revision }))
    }

    /// All configurations, by name.
    pub(crate) async fn configurations(&self) -> Result<Vec<ConfigurationRecord>, ApiError> {
        let (entries, _) = self.range(CONFIGURATIONS).await?;
        let decoded =
            entries.iter().map(|entry| record::decode(&entry.key, &entry.versioned.value));
        let mut all: Vec<ConfigurationRecord> = decoded.collect::<Result<_, _>>()?;
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Writes a new configuration with its first revision. False when its name is taken.
    pub(crate) async fn create_configuration(
        &self,
        configuration: &ConfigurationRecord,
        first: &RevisionRecord,
    ) -> Result<bool, ApiError> {
        let (uid, name) =
            (&configuration.uid, ServiceKey::ConfigurationName(&configuration.name).to_string());
        let txn =
            Txn::new().absent(key(uid)).absent(&name).put(key(uid), record::encode(configuration));
        let txn = txn.put(name, record::encode(uid));
        let txn = txn.put(revision_key(uid, first.head.revision), record::encode(first));
        self.commit(txn).await
    }

    /// Adds the revision that `configuration` names as its latest. False when it has changed since
    /// it was seen.
    pub(crate) async fn add_revision(
        &self,
        seen: &Versioned<ConfigurationRecord>,
        configuration: &ConfigurationRecord,
        revision: &RevisionRecord,
    ) -> Result<bool, ApiError> {
        let uid = &configuration.uid;
        let txn =
            Txn::new().at(key(uid), seen.revision).put(key(uid), record::encode(configuration));
        let txn = txn.put(revision_key(uid, revision.head.revision), record::encode(revision));
        self.commit(txn).await
    }

    pub(crate) async fn configuration_revision(
        &self,
        uid: &ConfigurationUid,
        revision: i64,
    ) -> Result<Option<RevisionRecord>, ApiError> {
        let key = revision_key(uid, revision);
        let Some(found) = self.store.get(&key).await? else { return Ok(None) };
        record::decode(&key, &found.value).map(Some)
    }

    /// All revisions of a configuration, the oldest first.
    pub(crate) async fn configuration_revisions(
        &self,
        uid: &ConfigurationUid,
    ) -> Result<Vec<RevisionRecord>, ApiError> {
        let (entries, _) = self.range(&revisions_of(uid)).await?;
        entries.iter().map(|entry| record::decode(&entry.key, &entry.versioned.value)).collect()
    }

    /// Removes a configuration with its revisions, unless clusters use it: their names. `None`:
    /// there is none.
    pub(crate) async fn remove_configuration(
        &self,
        uid: &ConfigurationUid,
    ) -> Result<Option<Vec<String>>, ApiError> {
        for _ in 0..ATTEMPTS {
            let Some(seen) = self.configuration(uid).await? else { return Ok(None) };
            let uses = self.store.get(&uses_key(uid)).await?.map(|found| found.revision);
            let users = self.clusters().await?.into_iter();
            let users =
                users.filter(|cluster| cluster.configurations().any(|used| used.uid == *uid));
            let users: Vec<String> = users.map(|cluster| cluster.name).collect();
            if !users.is_empty() {
                return Ok(Some(users));
            }
            let txn = Txn::new().at(key(uid), seen.revision).unchanged(uses_key(uid), uses);
            let txn = txn
                .delete(key(uid))
                .delete(ServiceKey::ConfigurationName(&seen.value.name).to_string())
                .delete(uses_key(uid));
            let txn = txn.delete_prefix(revisions_of(uid));
            if self.commit(txn).await? {
                return Ok(Some(Vec::new()));
            }
        }
        let message = "the configuration is being changed by too many at once; try again";
        Err(ApiError::Unavailable(message.to_owned()))
    }
}
