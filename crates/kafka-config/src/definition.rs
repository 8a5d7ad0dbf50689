//! What is known of a configuration: one row of the catalogue.

use milena_protocol::KafkaVersion;

use crate::{
    effect::Effect,
    value::{InvalidValue, Rule},
};

/// The type of a value, numbered as DescribeConfigs v3 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// Nobody knows: what a name stands for that is not in the catalogue.
    Unknown = 0,
    /// `true` or `false`.
    Boolean = 1,
    /// Text.
    String = 2,
    /// A 32-bit number.
    Int = 3,
    /// A 16-bit number.
    Short = 4,
    /// A 64-bit number.
    Long = 5,
    /// A decimal number.
    Double = 6,
    /// Texts, separated by commas.
    List = 7,
    /// The name of a Java class.
    Class = 8,
    /// A secret, never shown.
    Password = 9,
}

/// Whether a broker configuration can change while brokers run (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Only at start.
    ReadOnly,
    /// For one broker or for all.
    ClusterWide,
    /// For one broker, or for one of its listeners by `listener.name.{name}.` before the name.
    PerBroker,
    /// For one listener of a broker, by `listener.name.{name}.` before the name.
    PerListener,
}

/// One configuration.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// The type of its value.
    pub kind: ConfigType,
    /// Its value where nobody set one; `None` is null.
    pub default: Option<&'static str>,
    /// What a value must keep to.
    pub rule: Rule,
    /// Whether it can change while brokers run; topics' all can.
    pub update: Update,
    /// What it changes here.
    pub effect: Effect,
    /// What it does.
    pub doc: &'static str,
    /// For a topic's: the broker configuration that is its default.
    pub server: Option<Server>,
    /// Whether Kafka tells of it only when it is set.
    pub hidden: bool,
    /// The first Kafka release that has it.
    since: (u8, u8),
    /// The first Kafka release that has it no longer.
    pub(super) until: (u8, u8),
}

/// The broker configuration behind a topic's.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// Its name.
    pub name: &'static str,
    /// Whether it is null by default and others of its synonyms (in other units) have the default.
    pub is_null: bool,
}

/// What a name has that is not in the catalogue. Kafka takes such names for brokers, since a plugin
/// may know them, and shows that they are set but not to what.
pub(super) static UNKNOWN: Definition =
    Definition::new("", ConfigType::Unknown, None, Rule::Any, "")
        .does(Effect::Meaningless("no plugin runs here that could know it"));

/// The name that is meant by one with a listener's before it (`listener.name.{name}.`).
pub(super) fn of_listener(name: &str) -> Option<&str> {
    name.strip_prefix("listener.name.")?.split_once('.').map(|(_, name)| name)
}

/// At least this.
pub(super) const fn min(min: i64) -> Rule {
    Rule::Between(min, i64::MAX)
}

/// From one number to another, both included.
pub(super) const fn between(min: i64, max: i64) -> Rule {
    Rule::Between(min, max)
}

macro_rules! constructors {
    ($($constructor:ident $kind:ident;)*) => {$(
        pub(super) const fn $constructor(
            name: &'static str,
            default: &'static str,
            rule: Rule,
            doc: &'static str,
        ) -> Definition {
            Definition::new(name, ConfigType::$kind, Some(default), rule, doc)
        }
    )*};
}

constructors! {
    int Int;
    short Short;
    long Long;
    double Double;
    text String;
    list List;
}

pub(super) const fn class(
    name: &'static str,
    default: &'static str,
    doc: &'static str,
) -> Definition {
    Definition::new(name, ConfigType::Class, Some(default), Rule::Any, doc)
}

pub(super) const fn flag(
    name: &'static str,
    default: &'static str,
    doc: &'static str,
) -> Definition {
    Definition::new(name, ConfigType::Boolean, Some(default), Rule::Any, doc)
}

/// One that has no default.
pub(super) const fn unset(
    name: &'static str,
    kind: ConfigType,
    rule: Rule,
    doc: &'static str,
) -> Definition {
    Definition::new(name, kind, None, rule, doc)
}

impl Definition {
    const fn new(
        name: &'static str,
        kind: ConfigType,
        default: Option<&'static str>,
        rule: Rule,
        doc: &'static str,
    ) -> Self {
        let update = Update::ReadOnly;
        let effect = Effect::Meaningless("");
        Self {
            name,
            kind,
            default,
            rule,
            update,
            effect,
            doc,
            server: None,
            hidden: false,
            since: (0, 0),
            until: (u8::MAX, 0),
        }
    }

    /// A broker's, that can change for one broker or for all.
    pub(super) const fn cluster_wide(mut self) -> Self {
        self.update = Update::ClusterWide;
        self
    }

    /// A broker's, that can change for one broker.
    pub(super) const fn per_broker(mut self) -> Self {
        self.update = Update::PerBroker;
        self
    }

    /// A broker's, that can change for one listener.
    pub(super) const fn per_listener(mut self) -> Self {
        self.update = Update::PerListener;
        self
    }

    /// Told of only when it is set.
    pub(super) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// With what it changes here.
    pub(super) const fn does(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// From this Kafka release on.
    pub(super) const fn since(mut self, major: u8, minor: u8) -> Self {
        self.since = (major, minor);
        self
    }

    /// Before this Kafka release.
    pub(super) const fn until(mut self, major: u8, minor: u8) -> Self {
        self.until = (major, minor);
        self
    }

    /// A topic's, with the broker's of the same default.
    pub(super) const fn server(mut self, name: &'static str) -> Self {
        self.server = Some(Server { name, is_null: false });
        self
    }

    /// A topic's, with the broker's that is null by default.
    pub(super) const fn server_null(mut self, name: &'static str) -> Self {
        self.server = Some(Server { name, is_null: true });
        self
    }

    /// The broker configuration behind a topic's, which differs in name and perhaps in its default.
    pub(super) fn of_server(self) -> Option<Self> {
        let server = self.server?;
        let default = if server.is_null { None } else { self.default };
        Some(Self { name: server.name, default, server: None, update: Update::ClusterWide, ..self })
    }

    /// Whether a release has it.
    pub fn is_in(&self, version: KafkaVersion) -> bool {
        (self.since..self.until).contains(&version.parts())
    }

    /// Whether its value is never shown: a secret, or something that may be one.
    pub fn is_sensitive(&self) -> bool {
        matches!(self.kind, ConfigType::Password | ConfigType::Unknown)
    }

    /// Checks a value and brings it into its plain form: no blanks around it, `true` for `TRUE`.
    ///
    /// Errors: what is wrong with it, for the one who set it.
    pub fn read(&self, value: &str) -> Result<String, InvalidValue> {
        self.rule.read(self.kind, value).map_err(|reason| self.invalid(value, reason))
    }

    /// Why a value cannot be set. A secret is not told.
    pub(super) fn invalid(&self, value: &str, reason: String) -> InvalidValue {
        let value = if self.is_sensitive() { "[hidden]" } else { value };
        InvalidValue { name: self.name.to_owned(), value: value.to_owned(), reason }
    }
}
