//! The controller's role: a record that ends with its holder's lease. All brokers watch the record;
//! when there is none, the first to claim the role has it.

use milena_metadata::{ClusterMetadata, MetadataError, MetadataImage, Registration};
use milena_store::Precondition;

/// The role as this life of the broker claims and holds it.
#[derive(Clone)]
pub(crate) struct ControllerRole {
    metadata: ClusterMetadata,
    registration: Registration,
}

impl ControllerRole {
    pub(crate) fn new(metadata: ClusterMetadata, registration: Registration) -> Self {
        Self { metadata, registration }
    }

    /// Whether this life holds the role according to the image. A decision needs
    /// [`ControllerRole::guard`] too: the image may be old.
    pub(super) fn is_held(&self, image: &MetadataImage) -> bool {
        image.controller_record().is_some_and(|record| {
            record.broker == self.registration.broker && record.epoch == self.registration.epoch
        })
    }

    /// Takes the role if no broker has it. Returns whether this life took it.
    pub(super) async fn claim(&self) -> bool {
        let broker = self.registration.broker;
        match self.metadata.claim_controller(&self.registration).await {
            Ok(Some(_)) => {
                tracing::info!(%broker, "this broker is the controller now");
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::debug!(%error, "the controller's role could not be claimed");
                false
            }
        }
    }

    /// The precondition of every decision of the controller: the role is held as it is now.
    ///
    /// Errors: [`MetadataError::Outdated`] when this life does not hold it.
    pub(super) async fn guard(&self) -> Result<Precondition, MetadataError> {
        let seen = self.metadata.controller().await?.ok_or(MetadataError::Outdated)?;
        let (broker, epoch) = (self.registration.broker, self.registration.epoch);
        if seen.value.broker != broker || seen.value.epoch != epoch {
            return Err(MetadataError::Outdated);
        }
        Ok(self.metadata.controller_guard(&seen))
    }
}
