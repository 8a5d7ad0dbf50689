//! `milena status`: whether a milena serves, and whether its clusters are ready.

use std::process::ExitCode;

use clap::Args;
use milena_runtime::Runtime;
use serde_json::{Value, json};

use super::{
    clusters::{Clusters, EndpointArgs, text},
    output::{self, Format},
};
use crate::settings::DataDirArgs;

/// Show whether milena serves and its clusters are ready; succeeds only if so
#[derive(Args)]
#[command(after_help = "Example:\n  milena status")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    endpoint: EndpointArgs,
    /// How it is written
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
}

/// Runs the command.
pub(crate) async fn run(
    args: StatusArgs,
    data_dir: DataDirArgs,
    runtime: Runtime,
) -> anyhow::Result<ExitCode> {
    let clusters = Clusters::new(args.endpoint, &data_dir, runtime)?;
    let (api, health) = (&clusters.api, clusters.api.probe("/health").await?);
    let (is_ready, ready) = api.probe("/ready").await?;
    let list = clusters.clusters("").await?;
    let whole = json!({
        "endpoint": api.url(),
        "region": api.region(),
        "version": health.1["version"],
        "ready": is_ready,
        "waitsFor": ready["waitsFor"],
        "clusters": list.iter().map(cluster).collect::<Vec<_>>(),
    });
    if args.output == Format::Json {
        output::line(serde_json::to_string_pretty(&whole)?)?;
    } else {
        let version = whole["version"].as_str().unwrap_or("of another release");
        let word = if is_ready { "ready" } else { "not ready" };
        let mut rows = vec![
            ["Milena".to_owned(), format!("{version}, {word}")],
            ["MSK API".to_owned(), format!("{}, region {}", api.url(), api.region())],
        ];
        let waits_for = ready["waitsFor"].as_array().cloned().unwrap_or_default();
        for reason in waits_for.iter().filter_map(|waits| waits["reason"].as_str()) {
            rows.push(["Waits for".to_owned(), reason.to_owned()]);
        }
        for cluster in &list {
            let is_awaited =
                waits_for.iter().any(|waits| waits["clusterName"] == cluster["clusterName"]);
            let state = text(cluster, "state")?;
            let state = if is_awaited { format!("{state}, not ready") } else { state.to_owned() };
            let reason = cluster["stateInfo"]["message"].as_str();
            let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
            let brokers = &cluster["numberOfBrokerNodes"];
            let name = text(cluster, "clusterName")?;
            rows.push([
                "Cluster".to_owned(),
                format!("{name}, {brokers} brokers, {state}{reason}"),
            ]);
        }
        match args.output {
            Format::Plain => rows.iter().try_for_each(|row| output::line(row.join("\t")))?,
            _ => output::table(&rows)?,
        }
    }
    Ok(if is_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cluster(info: &Value) -> Value {
    json!({
        "clusterName": info["clusterName"],
        "clusterArn": info["clusterArn"],
        "state": info["state"],
        "stateInfo": info["stateInfo"],
        "numberOfBrokerNodes": info["numberOfBrokerNodes"],
    })
}
