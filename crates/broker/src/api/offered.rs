//! The APIs and versions that a cluster offers: those that its Kafka version has and this broker
//! handles.

use std::ops::RangeInclusive;

use milena_protocol::{ApiKey, KafkaVersion};

use super::definition::ApiDefinition;

/// The APIs of a cluster of one Kafka version. Every request is looked up in it.
#[derive(Debug)]
pub(crate) struct OfferedApis {
    /// By API key.
    apis: Vec<Option<OfferedApi>>,
    advertised: Vec<(ApiKey, RangeInclusive<i16>)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct OfferedApi {
    pub(crate) definition: &'static ApiDefinition,
    version_min: i16,
    version_max: i16,
}

impl OfferedApi {
    pub(crate) fn has(&self, version: i16) -> bool {
        self.versions().contains(&version)
    }

    pub(crate) const fn versions(&self) -> RangeInclusive<i16> {
        self.version_min..=self.version_max
    }
}

impl OfferedApis {
    pub(crate) fn new(
        version: KafkaVersion,
        handled: impl Iterator<Item = &'static ApiDefinition>,
    ) -> Self {
        let mut apis = Vec::new();
        let mut keys = Vec::new();
        for definition in handled {
            let key = definition.key;
            keys.push(key);
            let place = key.code() as usize;
            if apis.len() <= place {
                apis.resize(place + 1, None);
            }
            apis[place] = version.api_range(key).map(|range| OfferedApi {
                definition,
                version_min: *range.start(),
                version_max: *range.end(),
            });
        }
        Self { apis, advertised: version.advertised(&keys) }
    }

    pub(crate) fn get(&self, key: ApiKey) -> Option<&OfferedApi> {
        self.apis.get(usize::try_from(key.code()).ok()?)?.as_ref()
    }

    /// The ranges that ApiVersions returns. That of Produce is wider than the one offered: see
    /// [`KafkaVersion::advertised`].
    pub(crate) fn advertised(&self) -> &[(ApiKey, RangeInclusive<i16>)] {
        &self.advertised
    }
}
