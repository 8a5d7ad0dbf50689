//! TagResource, UntagResource, ListTagsForResource. Only clusters have tags. Changing them is not
//! an update of the cluster, so `currentVersion` stays.

use milena_store::Txn;

use super::{call::NoContent, context::Api, query::Query};
use crate::{
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
        let record = self.cluster_in(arn, "resourceArn").await?;
        Ok(ListTagsForResourceResponse { tags: Some(record.tags) })
    }

    async fn change_tags(
        &self,
        arn: &str,
        change: impl Fn(&mut Tags),
    ) -> Result<NoContent, ApiError> {
        let changed = self.modify_cluster(arn, "resourceArn", |record| {
            change(&mut record.tags);
            validation::tags(Some(record.tags.clone()))?;
            Ok(((), Txn::new()))
        });
        changed.await?;
        Ok(NoContent)
    }
}

#[cfg(test)]
mod tests;
