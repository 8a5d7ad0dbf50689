//! CreateConfiguration, UpdateConfiguration, DeleteConfiguration, DescribeConfiguration,
//! DescribeConfigurationRevision, ListConfigurations, ListConfigurationRevisions.

use base64::{Engine, engine::general_purpose::STANDARD};
use milena_security::timestamp::iso8601;

use milena_store::Versioned;

use super::{context::Api, query::Query};
use crate::{
    arn::{Arn, ConfigurationUid},
    configuration::{self, ConfigurationRecord, ConfigurationRef, RevisionHead, RevisionRecord},
    error::ApiError,
    kafka_versions::MskVersion,
    validation::required,
    wire::{
        Configuration, ConfigurationInfo, ConfigurationRevision, CreateConfigurationRequest,
        CreateConfigurationResponse, DeleteConfigurationResponse,
        DescribeConfigurationRevisionResponse, ListConfigurationRevisionsResponse,
        ListConfigurationsResponse, UpdateConfigurationRequest, UpdateConfigurationResponse,
    },
};

/// MSK's quotas.
const CONFIGURATIONS_MAX: usize = 100;
const REVISIONS_MAX: i64 = 50;
const NAME_MAX: usize = 255;
const DESCRIPTION_MAX: usize = 1024;
/// How often a revision is added again when a concurrent change came first.
const ATTEMPTS_MAX: usize = 20;

impl Api {
    pub(super) async fn create_configuration(
        &self,
        request: CreateConfigurationRequest,
    ) -> Result<CreateConfigurationResponse, ApiError> {
        let name = name(request.name)?;
        let kafka_versions = kafka_versions(request.kafka_versions)?;
        let description = description(request.description)?;
        let file = decoded(request.server_properties)?;
        let server_properties = configuration::checked(&file, &kafka_versions)?;
        if self.store.configurations().await?.len() >= CONFIGURATIONS_MAX {
            let message =
                format!("there are {CONFIGURATIONS_MAX} configurations, the quota; delete some");
            return Err(ApiError::bad_request(message));
        }
        let created_ms = self.runtime.wall_ms();
        let head = RevisionHead { revision: 1, created_ms, description: description.clone() };
        let record = ConfigurationRecord {
            uid: ConfigurationUid::random(&self.runtime),
            name,
            region: self.scope.region.clone(),
            account: self.scope.account.clone(),
            created_ms,
            description: description.unwrap_or_default(),
            kafka_versions,
            latest: head.clone(),
        };
        let first = RevisionRecord { head, server_properties };
        if !self.store.create_configuration(&record, &first).await? {
            let message = format!(
                "a configuration named '{}' exists already; choose another name, or add a revision \
                 to it with UpdateConfiguration",
                record.name
            );
            return Err(ApiError::Conflict(message));
        }
        tracing::info!(configuration = record.name, "a configuration was created");
        Ok(CreateConfigurationResponse {
            arn: Some(record.arn()),
            creation_time: Some(iso8601(created_ms)),
            latest_revision: Some(revision(&record.latest)),
            name: Some(record.name),
            state: Some(ACTIVE.to_owned()),
        })
    }

    pub(super) async fn update_configuration(
        &self,
        arn: &str,
        request: UpdateConfigurationRequest,
    ) -> Result<UpdateConfigurationResponse, ApiError> {
        let description = description(request.description)?;
        let file = decoded(request.server_properties)?;
        for _ in 0..ATTEMPTS_MAX {
            let seen = self.configuration(arn, "arn").await?;
            let mut record = seen.value.clone();
            let server_properties = configuration::checked(&file, &record.kafka_versions)?;
            if record.latest.revision >= REVISIONS_MAX {
                let message = format!(
                    "the configuration has {REVISIONS_MAX} revisions, the quota; create another \
                     configuration"
                );
                return Err(ApiError::bad_request(message));
            }
            let (number, created_ms) = (record.latest.revision + 1, self.runtime.wall_ms());
            let head =
                RevisionHead { revision: number, created_ms, description: description.clone() };
            record.latest = head.clone();
            let added = RevisionRecord { head, server_properties };
            if self.store.add_revision(&seen, &record, &added).await? {
                let latest_revision = Some(revision(&record.latest));
                return Ok(UpdateConfigurationResponse {
                    arn: Some(record.arn()),
                    latest_revision,
                });
            }
        }
        let message = "the configuration is being changed by too many at once; try again";
        Err(ApiError::Unavailable(message.to_owned()))
    }

    pub(super) async fn delete_configuration(
        &self,
        arn: &str,
    ) -> Result<DeleteConfigurationResponse, ApiError> {
        let found = self.configuration(arn, "arn").await?.value;
        let users = self.store.remove_configuration(&found.uid).await?;
        let users = users.ok_or_else(|| no_configuration(arn, "arn"))?;
        if !users.is_empty() {
            let message = format!(
                "the configuration is used by {}; give those clusters another one or delete them \
                 first",
                users.join(", ")
            );
            return Err(ApiError::invalid("arn", message));
        }
        tracing::info!(configuration = found.name, "a configuration was deleted");
        Ok(DeleteConfigurationResponse {
            arn: Some(arn.to_owned()),
            state: Some("DELETING".to_owned()),
        })
    }

    pub(super) async fn describe_configuration(
        &self,
        arn: &str,
    ) -> Result<Configuration, ApiError> {
        Ok(shape(self.configuration(arn, "arn").await?.value))
    }

    pub(super) async fn describe_configuration_revision(
        &self,
        arn: &str,
        number: i64,
    ) -> Result<DescribeConfigurationRevisionResponse, ApiError> {
        let record = self.configuration(arn, "arn").await?.value;
        let found = self.store.configuration_revision(&record.uid, number).await?;
        let found = found.ok_or_else(|| no_revision(&record, number))?;
        Ok(DescribeConfigurationRevisionResponse {
            arn: Some(record.arn()),
            creation_time: Some(iso8601(found.head.created_ms)),
            description: found.head.description,
            revision: Some(number),
            server_properties: Some(STANDARD.encode(found.server_properties)),
        })
    }

    pub(super) async fn list_configurations(
        &self,
        query: &Query,
    ) -> Result<ListConfigurationsResponse, ApiError> {
        let all = self.store.configurations().await?;
        let (page, next_token) = query.page("configurations", all, |record| record.name.clone())?;
        let configurations = Some(page.into_iter().map(shape).collect());
        Ok(ListConfigurationsResponse { configurations, next_token })
    }

    pub(super) async fn list_configuration_revisions(
        &self,
        arn: &str,
        query: &Query,
    ) -> Result<ListConfigurationRevisionsResponse, ApiError> {
        let record = self.configuration(arn, "arn").await?.value;
        let all = self.store.configuration_revisions(&record.uid).await?;
        let key = |found: &RevisionRecord| format!("{:06}", found.head.revision);
        let (page, next_token) = query.page(&format!("revisions/{}", record.uid), all, key)?;
        let revisions = Some(page.iter().map(|found| revision(&found.head)).collect());
        Ok(ListConfigurationRevisionsResponse { revisions, next_token })
    }

    /// The revision that a request names for a cluster of that version. `path` is the member that
    /// names it.
    pub(super) async fn configuration_for(
        &self,
        info: ConfigurationInfo,
        version: MskVersion,
        path: &str,
    ) -> Result<ConfigurationRef, ApiError> {
        let arn_path = format!("{path}.arn");
        let arn = required(info.arn, &arn_path)?;
        let number = required(info.revision, &format!("{path}.revision"))?;
        let record = self.configuration(&arn, &arn_path).await?.value;
        if !record.kafka_versions.is_empty() && !record.kafka_versions.contains(&version) {
            let names: Vec<&str> =
                record.kafka_versions.iter().map(|version| version.name()).collect();
            let message = format!(
                "{arn_path}: the configuration is for Kafka {}, and not for {}; use one that is for \
                 it",
                names.join(", "),
                version.name()
            );
            return Err(ApiError::invalid(arn_path, message));
        }
        let found = self.store.configuration_revision(&record.uid, number).await?;
        let found = found.ok_or_else(|| no_revision(&record, number))?;
        configuration::check_properties(version, &found.properties(), path)?;
        Ok(ConfigurationRef { uid: record.uid, arn, revision: number })
    }

    /// The configuration of an ARN. BadRequest when there is none.
    async fn configuration(
        &self,
        arn: &str,
        parameter: &str,
    ) -> Result<Versioned<ConfigurationRecord>, ApiError> {
        let missing = || no_configuration(arn, parameter);
        let uid = Arn::parse(arn, parameter)?.configuration().ok_or_else(missing)?;
        let found = self.store.configuration(&uid).await?.filter(|seen| seen.value.arn() == arn);
        found.ok_or_else(missing)
    }
}

/// No configuration has another state: creating and deleting take one transaction each.
const ACTIVE: &str = "ACTIVE";

/// MSK's exception and the beginning of its message: Terraform takes a configuration for deleted on
/// these words of a BadRequestException only.
fn no_configuration(arn: &str, parameter: &str) -> ApiError {
    ApiError::invalid(
        parameter,
        format!(
            "Configuration ARN does not exist: {arn}; ListConfigurations shows those there are"
        ),
    )
}

fn no_revision(record: &ConfigurationRecord, number: i64) -> ApiError {
    let (name, latest) = (&record.name, record.latest.revision);
    ApiError::NotFound(format!(
        "the configuration '{name}' has no revision {number}; its revisions are 1 to {latest}"
    ))
}

fn revision(head: &RevisionHead) -> ConfigurationRevision {
    ConfigurationRevision {
        creation_time: Some(iso8601(head.created_ms)),
        description: head.description.clone(),
        revision: Some(head.revision),
    }
}

fn shape(record: ConfigurationRecord) -> Configuration {
    Configuration {
        arn: Some(record.arn()),
        creation_time: Some(iso8601(record.created_ms)),
        latest_revision: Some(revision(&record.latest)),
        description: Some(record.description),
        kafka_versions: Some(
            record.kafka_versions.iter().map(|version| version.name().to_owned()).collect(),
        ),
        name: Some(record.name),
        state: Some(ACTIVE.to_owned()),
    }
}

fn name(name: Option<String>) -> Result<String, ApiError> {
    let name = required(name, "name")?;
    let allowed = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if name.is_empty() || name.len() > NAME_MAX || !allowed || name.starts_with('-') {
        let message = format!(
            "name must be 1 to {NAME_MAX} letters, digits and hyphens, beginning with a letter or \
             digit"
        );
        return Err(ApiError::invalid("name", message));
    }
    Ok(name)
}

fn description(text: Option<String>) -> Result<Option<String>, ApiError> {
    if text.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_MAX) {
        let message = format!("description must be at most {DESCRIPTION_MAX} characters");
        return Err(ApiError::invalid("description", message));
    }
    Ok(text)
}

fn kafka_versions(names: Option<Vec<String>>) -> Result<Vec<MskVersion>, ApiError> {
    let read = |name: String| {
        MskVersion::try_from(name).map_err(|error| {
            let names: Vec<&str> = MskVersion::all().map(MskVersion::name).collect();
            let (text, names) = (error.text, names.join(", "));
            let message = format!("kafkaVersions: '{text}' is not offered; use some of {names}");
            ApiError::invalid("kafkaVersions", message)
        })
    };
    names.unwrap_or_default().into_iter().map(read).collect()
}

fn decoded(blob: Option<String>) -> Result<Vec<u8>, ApiError> {
    let blob = required(blob, "serverProperties")?;
    STANDARD.decode(blob).map_err(|error| {
        ApiError::invalid("serverProperties", format!("serverProperties is not Base64: {error}"))
    })
}

#[cfg(test)]
mod tests;
