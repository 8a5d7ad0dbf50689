//! Resources of MSK that this release has none of: the lists of them are empty, and what describes
//! one finds none. The cluster that they would belong to must exist.

use serde_json::{Value, json};

use super::{call::NoContent, context::Api, path::PathParameters, query::Query};
use crate::error::ApiError;

impl Api {
    /// The list that has its items under `member`.
    pub(super) async fn list_none(
        &self,
        path: &PathParameters,
        query: &Query,
        member: &str,
    ) -> Result<Value, ApiError> {
        self.check_owner(path).await?;
        let none: Vec<Value> = query.empty_page()?;
        Ok(json!({ member: none }))
    }

    /// Declares no NotFoundException.
    pub(super) async fn list_client_vpc_connections(
        &self,
        path: &PathParameters,
        query: &Query,
    ) -> Result<Value, ApiError> {
        let listed = self.list_none(path, query, "clientVpcConnections").await;
        listed.map_err(|error| error.not_found_as_invalid("clusterArn"))
    }

    /// `parameter` of the path names one of a `kind`.
    pub(super) async fn find_none(
        &self,
        path: &PathParameters,
        kind: &str,
        parameter: &str,
    ) -> Result<NoContent, ApiError> {
        let arn = path.text(parameter)?;
        self.check_owner(path).await?;
        Err(ApiError::NotFound(format!(
            "there is no {kind} {arn}: this release of Milena has none, see \
             docs/operations/msk-api.md"
        )))
    }

    async fn check_owner(&self, path: &PathParameters) -> Result<(), ApiError> {
        match path.find("clusterArn") {
            Some(cluster) => self.cluster(cluster).await.map(drop),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
