//! TagResource, UntagResource, ListTagsForResource. Clusters are the resources that have tags;
//! changing them is not an update of the cluster, so its version stays.

use bytes::Bytes;
use milena_metadata::Txn;

use super::{Answer, Api, body, cluster_uid, no_cluster, query::Query};
use crate::{
    error::ApiError,
    validation,
    wire::{ListTagsForResourceResponse, TagResourceRequest, Tags},
};

impl Api {
    pub(super) async fn tag_resource(&self, arn: &str, text: &Bytes) -> Result<Answer, ApiError> {
        let request: TagResourceRequest = body(text)?;
        let Some(added) = request.tags else {
            return Err(ApiError::invalid("tags", "tags is required"));
        };
        self.change_tags(arn, |tags| tags.extend(added.clone())).await
    }

    pub(super) async fn untag_resource(
        &self,
        arn: &str,
        query: &Query,
    ) -> Result<Answer, ApiError> {
        if query.value("tagKeys").is_none() {
            return Err(ApiError::invalid(
                "tagKeys",
                "tagKeys is required, once for each key to remove",
            ));
        }
        self.change_tags(arn, |tags| {
            tags.retain(|key, _| !query.values("tagKeys").any(|gone| gone == key))
        })
        .await
    }

    pub(super) async fn list_tags(
        &self,
        arn: &str,
    ) -> Result<ListTagsForResourceResponse, ApiError> {
        let uid = cluster_uid(arn, "resourceArn")?;
        let record = self.store.cluster(&uid).await?.map(|seen| seen.record);
        let record = record.filter(|record| record.arn() == arn).ok_or_else(|| no_cluster(arn))?;
        Ok(ListTagsForResourceResponse { tags: Some(record.tags) })
    }

    async fn change_tags(&self, arn: &str, change: impl Fn(&mut Tags)) -> Result<Answer, ApiError> {
        let uid = cluster_uid(arn, "resourceArn")?;
        let changed = self.store.modify(&uid, |record| {
            if record.arn() != arn {
                return Err(no_cluster(arn));
            }
            change(&mut record.tags);
            validation::tags(Some(record.tags.clone()))?;
            Ok(((), Txn::new()))
        });
        changed.await?.ok_or_else(|| no_cluster(arn))?;
        Ok(Answer::empty())
    }
}
