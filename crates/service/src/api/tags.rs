//! TagResource, UntagResource, ListTagsForResource. Of what Milena has, MSK knows tags of clusters
//! only: a configuration has none. Changing them is not an update of the cluster, so
//! `currentVersion` stays.

use milena_store::Txn;

use super::{call::NoContent, context::Api, query::Query};
use crate::{
    arn::Arn,
    error::ApiError,
    validation,
    wire::{ListTagsForResourceResponse, TagResourceRequest, Tags},
};

impl Api {
    pub(super) async fn tag_resource(
        &self,
        arn: &str,
        request: TagResourceRequest,
    ) -> Result<NoContent, ApiError> {
        let Some(added) = request.tags else {
            return Err(ApiError::invalid("tags", "tags is required"));
        };
        self.change_tags(arn, |tags| tags.extend(added.clone())).await
    }

    pub(super) async fn untag_resource(
        &self,
        arn: &str,
        query: &Query,
    ) -> Result<NoContent, ApiError> {
        if query.value("tagKeys").is_none() {
            return Err(ApiError::invalid(
                "tagKeys",
                "tagKeys is required, once for each key to remove",
            ));
        }
        self.change_tags(arn, |tags| {
            tags.retain(|key, _| !query.values("tagKeys").any(|gone| gone == key));
        })
        .await
    }

    pub(super) async fn list_tags_for_resource(
        &self,
        arn: &str,
    ) -> Result<ListTagsForResourceResponse, ApiError> {
        refuse_configuration(arn)?;
        let record = self.cluster_in(arn, RESOURCE).await?;
        Ok(ListTagsForResourceResponse { tags: Some(record.tags) })
    }

    async fn change_tags(
        &self,
        arn: &str,
        change: impl Fn(&mut Tags),
    ) -> Result<NoContent, ApiError> {
        refuse_configuration(arn)?;
        let changed = self.modify_cluster(arn, RESOURCE, |record| {
            change(&mut record.tags);
            validation::tags(Some(record.tags.clone()))?;
            Ok(((), Txn::new()))
        });
        changed.await?;
        Ok(NoContent)
    }
}

const RESOURCE: &str = "resourceArn";

fn refuse_configuration(arn: &str) -> Result<(), ApiError> {
    if Arn::parse(arn, RESOURCE)?.configuration().is_none() {
        return Ok(());
    }
    let message =
        format!("{RESOURCE}: a configuration has no tags in MSK; tag the clusters that use it");
    Err(ApiError::invalid(RESOURCE, message))
}

#[cfg(test)]
mod tests;
