//! ListKafkaVersions, GetCompatibleKafkaVersions.

use super::{context::Api, query::Query};
use crate::{
    error::ApiError,
    kafka_versions::MskVersion,
    wire::{
        CompatibleKafkaVersion, GetCompatibleKafkaVersionsResponse, ListKafkaVersionsResponse,
        ListedKafkaVersion,
    },
};

impl Api {
    pub(super) async fn list_kafka_versions(
        &self,
        query: &Query,
    ) -> Result<ListKafkaVersionsResponse, ApiError> {
        let numbered: Vec<(usize, MskVersion)> = MskVersion::all().enumerate().collect();
        let (page, next_token) =
            query.page("kafka-versions", numbered, |(number, _)| format!("{number:04}"))?;
        let shape = |(_, version): (usize, MskVersion)| ListedKafkaVersion {
            version: Some(version.name().to_owned()),
            status: Some(version.status().to_owned()),
        };
        Ok(ListKafkaVersionsResponse {
            kafka_versions: Some(page.into_iter().map(shape).collect()),
            next_token,
        })
    }

    /// The whole matrix, or the row of one cluster.
    pub(super) async fn get_compatible_kafka_versions(
        &self,
        query: &Query,
    ) -> Result<GetCompatibleKafkaVersionsResponse, ApiError> {
        let versions: Vec<MskVersion> = match query.value("clusterArn") {
            Some(arn) => vec![self.cluster(arn).await?.spec.kafka_version],
            None => MskVersion::all().collect(),
        };
        let row = |version: MskVersion| CompatibleKafkaVersion {
            source_version: Some(version.name().to_owned()),
            target_versions: Some(
                version.targets().map(|target| target.name().to_owned()).collect(),
            ),
        };
        let compatible_kafka_versions = Some(versions.into_iter().map(row).collect());
        Ok(GetCompatibleKafkaVersionsResponse { compatible_kafka_versions })
    }
}

#[cfg(test)]
mod tests;
