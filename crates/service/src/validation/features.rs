//! Access, encryption, monitoring and logs: what this release does not have is refused, the rest is
//! recorded.

use super::members::{ValidationResult, absent, not_one_of, required};
use crate::{
    account::AccountScope,
    error::ApiError,
    wire::{
        ClientAuthentication, EncryptionAtRest, EncryptionInTransit, EncryptionInfo, Exporter,
        LogDestinations, LoggingInfo, OpenMonitoring, Prometheus, Rebalancing, Tls,
    },
};

/// The first kind of client authentication that is turned on.
pub(super) fn first_enabled(auth: &ClientAuthentication) -> Option<&'static str> {
    let on = |switch: Option<bool>| switch == Some(true);
    let sasl = auth.sasl.as_ref();
    if on(sasl.and_then(|sasl| sasl.iam.as_ref()?.enabled)) {
        Some("sasl.iam")
    } else if on(sasl.and_then(|sasl| sasl.scram.as_ref()?.enabled)) {
        Some("sasl.scram")
    } else if auth.tls.as_ref().is_some_and(asks_for_certificates) {
        Some("tls")
    } else {
        None
    }
}

/// Authorities alone ask for it too, as in AWS's example of mutual TLS.
fn asks_for_certificates(tls: &Tls) -> bool {
    let has_authorities =
        tls.certificate_authority_arn_list.as_ref().is_some_and(|list| !list.is_empty());
    tls.enabled.unwrap_or(has_authorities)
}

pub(crate) fn client_authentication(
    auth: Option<ClientAuthentication>,
    path: &str,
) -> ValidationResult<Option<ClientAuthentication>> {
    let Some(auth) = auth else { return Ok(None) };
    if let Some(kind) = first_enabled(&auth) {
        let what = "client authentication";
        return Err(absent(
            &format!("{path}.{kind}"),
            what,
            "leave clientAuthentication out or set unauthenticated",
        ));
    }
    if auth.unauthenticated.as_ref().and_then(|switch| switch.enabled) == Some(false) {
        let path = format!("{path}.unauthenticated");
        return Err(absent(
            &path,
            "client authentication",
            "leave it out, or no client could connect",
        ));
    }
    Ok(Some(auth))
}

pub(super) fn encryption(
    info: Option<EncryptionInfo>,
    scope: &AccountScope,
    path: &str,
) -> ValidationResult<EncryptionInfo> {
    let info = info.unwrap_or_default();
    let transit = info.encryption_in_transit.unwrap_or_default();
    check_client_broker(&transit, path)?;
    let at_rest = match info.encryption_at_rest {
        None => format!("arn:aws:kms:{}:{}:alias/aws/kafka", scope.region, scope.account),
        Some(at_rest) => required(
            at_rest.data_volume_kms_key_id,
            &format!("{path}.encryptionAtRest.dataVolumeKMSKeyId"),
        )?,
    };
    Ok(EncryptionInfo {
        encryption_at_rest: Some(EncryptionAtRest { data_volume_kms_key_id: Some(at_rest) }),
        encryption_in_transit: Some(EncryptionInTransit {
            client_broker: Some("PLAINTEXT".to_owned()),
            // Brokers send each other nothing: they share the stores.
            in_cluster: Some(transit.in_cluster.unwrap_or(true)),
        }),
    })
}

fn check_client_broker(transit: &EncryptionInTransit, path: &str) -> ValidationResult<()> {
    let path = format!("{path}.encryptionInTransit.clientBroker");
    match transit.client_broker.as_deref() {
        None | Some("PLAINTEXT") => Ok(()),
        Some(tls @ ("TLS" | "TLS_PLAINTEXT")) => {
            let message = format!(
                "{path}: {tls} needs a TLS listener, and TLS is not offered in this release of \
                 Milena; set it to PLAINTEXT, or leave encryptionInTransit out"
            );
            Err(ApiError::invalid(path, message))
        }
        Some(other) => Err(not_one_of(&path, other, "TLS, TLS_PLAINTEXT or PLAINTEXT")),
    }
}

/// What an update may say of encryption: how clients connect, and nothing else.
pub(crate) fn check_encryption_update(info: EncryptionInfo, path: &str) -> ValidationResult<()> {
    let fixed = |member: &str| {
        let path = format!("{path}.{member}");
        let message = format!("{path} cannot be changed once a cluster is created; leave it out");
        Err(ApiError::invalid(path, message))
    };
    if info.encryption_at_rest.is_some() {
        return fixed("encryptionAtRest");
    }
    let transit = info.encryption_in_transit.unwrap_or_default();
    if transit.in_cluster.is_some() {
        return fixed("encryptionInTransit.inCluster");
    }
    check_client_broker(&transit, path)
}

pub(crate) fn enhanced_monitoring(level: Option<String>, path: &str) -> ValidationResult<String> {
    const LEVELS: [&str; 4] =
        ["DEFAULT", "PER_BROKER", "PER_TOPIC_PER_BROKER", "PER_TOPIC_PER_PARTITION"];
    let level = level.unwrap_or_else(|| LEVELS[0].to_owned());
    match LEVELS.iter().position(|known| *known == level) {
        Some(0) => Ok(level),
        Some(_) => Err(absent(path, "a level beyond DEFAULT", "leave it out or set DEFAULT")),
        None => Err(not_one_of(path, &level, &LEVELS.join(", "))),
    }
}

pub(crate) fn open_monitoring(
    monitoring: Option<OpenMonitoring>,
    path: &str,
) -> ValidationResult<OpenMonitoring> {
    let prometheus = match monitoring {
        None => Prometheus::default(),
        Some(monitoring) => required(monitoring.prometheus, &format!("{path}.prometheus"))?,
    };
    for (name, exporter) in
        [("jmxExporter", &prometheus.jmx_exporter), ("nodeExporter", &prometheus.node_exporter)]
    {
        let Some(exporter) = exporter else { continue };
        let path = format!("{path}.prometheus.{name}.enabledInBroker");
        if required(exporter.enabled_in_broker, &path)? {
            return Err(absent(&path, "open monitoring", "set it to false"));
        }
    }
    let off = || Some(Exporter { enabled_in_broker: Some(false) });
    Ok(OpenMonitoring {
        prometheus: Some(Prometheus { jmx_exporter: off(), node_exporter: off() }),
    })
}

pub(crate) fn logging(
    info: Option<LoggingInfo>,
    path: &str,
) -> ValidationResult<Option<LoggingInfo>> {
    let Some(info) = info else { return Ok(None) };
    let broker_logs = format!("{path}.brokerLogs");
    refuse_delivery(
        required(info.broker_logs.as_ref(), &broker_logs)?,
        "broker logs",
        &broker_logs,
    )?;
    if let Some(logs) = &info.authorizer_logs {
        refuse_delivery(logs, "authorizer logs", &format!("{path}.authorizerLogs"))?;
    }
    Ok(Some(info))
}

fn refuse_delivery(logs: &LogDestinations, what: &str, path: &str) -> ValidationResult<()> {
    let targets = [
        ("cloudWatchLogs", logs.cloud_watch_logs.as_ref().map(|logs| logs.enabled)),
        ("firehose", logs.firehose.as_ref().map(|logs| logs.enabled)),
        ("s3", logs.s3.as_ref().map(|logs| logs.enabled)),
    ];
    for (name, enabled) in targets {
        let Some(enabled) = enabled else { continue };
        let path = format!("{path}.{name}.enabled");
        if required(enabled, &path)? {
            return Err(absent(
                &path,
                &format!("delivery of {what}"),
                "set it to false: milena logs to its standard error",
            ));
        }
    }
    Ok(())
}

pub(super) fn rebalancing(
    rebalancing: Option<Rebalancing>,
    express: bool,
    path: &str,
) -> ValidationResult<Option<Rebalancing>> {
    let Some(wanted) = rebalancing else { return Ok(None) };
    if !express {
        return Err(ApiError::invalid(
            path,
            format!("{path} is for Express brokers only; leave it out"),
        ));
    }
    match wanted.status.as_deref() {
        None | Some("PAUSED") => Ok(Some(Rebalancing { status: Some("PAUSED".to_owned()) })),
        Some("ACTIVE") => Err(absent(
            &format!("{path}.status"),
            "intelligent rebalancing",
            "leave it out or set PAUSED",
        )),
        Some(other) => Err(not_one_of(&format!("{path}.status"), other, "PAUSED or ACTIVE")),
    }
}
