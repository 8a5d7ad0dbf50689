//! The MSK API of a running milena, as the commands use it: where it is, and which cluster they
//! mean.

use anyhow::Context;
use clap::Args;
use http::Method;
use milena_runtime::Runtime;
use serde_json::Value;

use crate::{
    api_client::{ApiClient, encode},
    settings::DataDirArgs,
};

/// Where the API is.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct EndpointArgs {
    /// The API's address [default: that of the milena that serves from the data directory]
    #[arg(long, env = "AWS_ENDPOINT_URL_KAFKA", value_name = "URL", global = true)]
    endpoint: Option<String>,
    /// The region to sign for [default: the running milena's]
    // An id of its own: a global argument shows up in the matches of the root, where serve has a
    // region too.
    #[arg(
        id = "endpoint_region",
        long = "region",
        env = "MILENA_REGION",
        value_name = "REGION",
        global = true
    )]
    region: Option<String>,
}

/// Which cluster a command is about.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ClusterArg {
    /// The cluster's name or ARN [default: the only cluster, or demo]
    #[arg(env = "MILENA_CLUSTER")]
    pub(super) cluster: Option<String>,
}

/// A cluster that was found.
pub(super) struct Named {
    /// As it was given, or its name.
    pub(super) name: String,
    pub(super) arn: String,
}

/// The cluster that is meant where none is named, if there is more than one.
const DEMO: &str = "demo";

/// The bootstrap string of a cluster: the one that is named, or that is meant where none is.
pub(crate) async fn bootstrap_of(
    cluster: Option<&str>,
    endpoint: EndpointArgs,
    data_dir: DataDirArgs,
    runtime: &Runtime,
) -> anyhow::Result<String> {
    let clusters = Clusters::new(endpoint, &data_dir, runtime.clone())?;
    clusters.bootstrap(&clusters.find(cluster).await?.arn).await
}

/// The API as these commands use it.
pub(super) struct Clusters {
    pub(super) api: ApiClient,
    pub(super) runtime: Runtime,
}

impl Clusters {
    pub(super) fn new(
        endpoint: EndpointArgs,
        data_dir: &DataDirArgs,
        runtime: Runtime,
    ) -> anyhow::Result<Self> {
        let api = ApiClient::new(
            runtime.clone(),
            &data_dir.resolve()?,
            endpoint.endpoint,
            endpoint.region,
        )?;
        Ok(Self { api, runtime })
    }

    pub(super) async fn bootstrap(&self, arn: &str) -> anyhow::Result<String> {
        let answer = self
            .api
            .call(Method::GET, &format!("{}/bootstrap-brokers", path(arn)), &[], None)
            .await?;
        Ok(text(&answer, "bootstrapBrokerString")?.to_owned())
    }

    pub(super) async fn cluster_info(&self, arn: &str) -> anyhow::Result<Value> {
        Ok(self.api.call(Method::GET, &path(arn), &[], None).await?["clusterInfo"].take())
    }

    /// All clusters whose names begin with `prefix`.
    pub(super) async fn clusters(&self, prefix: &str) -> anyhow::Result<Vec<Value>> {
        self.pages("/v1/clusters", &[("clusterNameFilter", prefix)], "clusterInfoList").await
    }

    /// The items of a list, whose pages have them under `member`.
    pub(super) async fn pages(
        &self,
        path: &str,
        filters: &[(&str, &str)],
        member: &str,
    ) -> anyhow::Result<Vec<Value>> {
        let (mut items, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut query = filters.to_vec();
            query.extend(token.as_deref().map(|token| ("nextToken", token)));
            let mut page = self.api.call(Method::GET, path, &query, None).await?;
            if let Value::Array(list) = page[member].take() {
                items.extend(list);
            }
            token = page["nextToken"].as_str().map(str::to_owned);
            if token.is_none() {
                return Ok(items);
            }
        }
    }

    /// The cluster that is named, or the one that is meant where none is.
    pub(super) async fn find(&self, cluster: Option<&str>) -> anyhow::Result<Named> {
        if let Some(name) = cluster {
            return Ok(Named { name: name.to_owned(), arn: self.arn(name).await? });
        }
        let all = self.clusters("").await?;
        let meant = match &all[..] {
            [only] => Some(only),
            _ => all.iter().find(|info| info["clusterName"] == DEMO),
        };
        let names: Vec<&str> = all.iter().filter_map(|info| info["clusterName"].as_str()).collect();
        let info = meant.with_context(|| match &names[..] {
            [] => "there is no cluster; create one with: milena cluster create NAME".to_owned(),
            names => format!("which cluster? there are {}; name one of them", names.join(", ")),
        })?;
        let (name, arn) = (text(info, "clusterName")?, text(info, "clusterArn")?);
        Ok(Named { name: name.to_owned(), arn: arn.to_owned() })
    }

    /// The ARN of a cluster that is given by its name or ARN.
    pub(super) async fn arn(&self, cluster: &str) -> anyhow::Result<String> {
        if cluster.starts_with("arn:") {
            return Ok(cluster.to_owned());
        }
        let found =
            self.clusters(cluster).await?.into_iter().find(|info| info["clusterName"] == cluster);
        let info = found.with_context(|| {
            format!("there is no cluster '{cluster}'; see: milena cluster list")
        })?;
        Ok(text(&info, "clusterArn")?.to_owned())
    }
}

pub(super) fn path(arn: &str) -> String {
    format!("/v1/clusters/{}", encode(arn))
}

pub(super) fn text<'a>(value: &'a Value, member: &str) -> anyhow::Result<&'a str> {
    value[member].as_str().with_context(|| {
        format!("the API's answer has no {member}; is it another release of milena?")
    })
}
