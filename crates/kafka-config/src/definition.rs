//! One configuration: a row of the catalogue, made by `int("max.connections", "2147483647")` and
//! the methods after it.

use milena_protocol::KafkaVersion;

use crate::{
    effect::Effect,
    value::{ConfigType, InvalidValue, Rule},
};

/// The largest 64-bit number, which means "never" or "no limit".
pub(crate) const LONG_MAX: &str = "9223372036854775807";

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
    pub name: &'static str,
    pub kind: ConfigType,
    /// The value where none is set; `None` is null.
    pub default: Option<&'static str>,
    /// Constraint on the value beyond its type.
    pub rule: Rule,
    /// For a broker's; topic configurations can always be changed.
    pub update: Update,
    /// Its effect in Milena.
    pub effect: Effect,
    /// One sentence or two, for DescribeConfigs and `docs/compatibility.md`.
    pub doc: &'static str,
    /// For a topic's: the broker configuration that is its default.
    pub server_default: Option<ServerDefault>,
    /// Described only when it is set, as Kafka does with a few.
    pub hidden: bool,
    accessor: Option<&'static str>,
    /// The first Kafka release that has it.
    since: (u8, u8),
    /// The first Kafka release that no longer has it.
    until: (u8, u8),
    /// Differences from this row by the release that made them, oldest first.
    changes: &'static [(u8, u8, Change)],
}

/// The broker configuration that is a topic configuration's default.
#[derive(Clone, Copy, Debug)]
pub struct ServerDefault {
    pub name: &'static str,
    /// It is null by default; the default is that of a synonym in another unit.
    pub is_null: bool,
}

/// A change that a release made to a configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Default(&'static str),
    Rule(Rule),
    Type(ConfigType),
    Update(Update),
}

/// Stands for every name that is not in the catalogue. Kafka accepts such names for brokers, since
/// a plugin may know them, and describes them without their values.
pub(crate) static UNKNOWN: Definition =
    Definition::new("", ConfigType::Unknown, None).meaningless("no plugin runs that could know it");

/// The name without the listener prefix `listener.name.{name}.`, if it has one.
pub(crate) fn without_listener(name: &str) -> Option<&str> {
    name.strip_prefix("listener.name.")?.split_once('.').map(|(_, name)| name)
}

macro_rules! constructors {
    ($($constructor:ident $kind:ident;)*) => {$(
        pub(crate) const fn $constructor(name: &'static str, default: &'static str) -> Definition {
            Definition::new(name, ConfigType::$kind, Some(default))
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
    class Class;
    flag Boolean;
}

/// One whose default is null.
pub(crate) const fn unset(name: &'static str, kind: ConfigType) -> Definition {
    Definition::new(name, kind, None)
}

/// The rest of a row.
impl Definition {
    const fn new(name: &'static str, kind: ConfigType, default: Option<&'static str>) -> Self {
        Self {
            name,
            kind,
            default,
            rule: Rule::Any,
            update: Update::ReadOnly,
            effect: Effect::Meaningless(""),
            doc: "",
            server_default: None,
            hidden: false,
            accessor: None,
            since: (0, 0),
            until: (u8::MAX, 0),
            changes: &[],
        }
    }

    pub(crate) const fn rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    pub(crate) const fn at_least(self, min: i64) -> Self {
        self.rule(Rule::Between(min, i64::MAX))
    }

    /// Both included.
    pub(crate) const fn between(self, min: i64, max: i64) -> Self {
        self.rule(Rule::Between(min, max))
    }

    pub(crate) const fn one_of(self, allowed: &'static [&'static str]) -> Self {
        self.rule(Rule::OneOf(allowed))
    }

    pub(crate) const fn list_of(self, allowed: &'static [&'static str]) -> Self {
        self.rule(Rule::ListOf(allowed))
    }

    pub(crate) const fn since(mut self, major: u8, minor: u8) -> Self {
        self.since = (major, minor);
        self
    }

    /// This release is the first without it.
    pub(crate) const fn until(mut self, major: u8, minor: u8) -> Self {
        self.until = (major, minor);
        self
    }

    /// `(major, minor, change)`, oldest first.
    pub(crate) const fn changes(mut self, changes: &'static [(u8, u8, Change)]) -> Self {
        self.changes = changes;
        self
    }

    pub(crate) const fn cluster_wide(mut self) -> Self {
        self.update = Update::ClusterWide;
        self
    }

    pub(crate) const fn per_broker(mut self) -> Self {
        self.update = Update::PerBroker;
        self
    }

    pub(crate) const fn per_listener(mut self) -> Self {
        self.update = Update::PerListener;
        self
    }

    pub(crate) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// A topic's: the broker configuration has the same default.
    pub(crate) const fn server(mut self, name: &'static str) -> Self {
        self.server_default = Some(ServerDefault { name, is_null: false });
        self
    }

    /// A topic's: the broker configuration is null by default.
    pub(crate) const fn server_null(mut self, name: &'static str) -> Self {
        self.server_default = Some(ServerDefault { name, is_null: true });
        self
    }

    pub(crate) const fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// See [`Effect::Honoured`].
    pub(crate) const fn honoured(self, test: &'static str) -> Self {
        self.effect(Effect::Honoured { test })
    }

    /// See [`Effect::Partly`].
    pub(crate) const fn partly(self, test: &'static str, missing: &'static str) -> Self {
        self.effect(Effect::Partly { test, missing })
    }

    /// See [`Effect::NotYet`].
    pub(crate) const fn not_yet(self, missing: &'static str) -> Self {
        self.effect(Effect::NotYet(missing))
    }

    /// See [`Effect::Meaningless`].
    pub(crate) const fn meaningless(self, reason: &'static str) -> Self {
        self.effect(Effect::Meaningless(reason))
    }

    /// See [`Definition::accessor`].
    pub(crate) const fn read_as(mut self, accessor: &'static str) -> Self {
        self.accessor = Some(accessor);
        self
    }

    pub(crate) const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

impl Definition {
    /// The row as `version` has it; `None` when that release does not have it.
    pub(crate) fn in_release(&self, version: KafkaVersion) -> Option<Self> {
        if !(self.since..self.until).contains(&version.parts()) {
            return None;
        }
        let mut definition = *self;
        for (major, minor, change) in self.changes {
            if !version.is_at_least(*major, *minor) {
                break;
            }
            match *change {
                Change::Default(default) => definition.default = Some(default),
                Change::Rule(rule) => definition.rule = rule,
                Change::Type(kind) => definition.kind = kind,
                Change::Update(update) => definition.update = update,
            }
        }
        Some(definition)
    }

    /// The broker configuration that is a topic configuration's default.
    pub(crate) fn of_server(self) -> Option<Self> {
        let server = self.server_default?;
        let default = if server.is_null { None } else { self.default };
        let (name, update) = (server.name, Update::ClusterWide);
        Some(Self { name, default, server_default: None, update, ..self })
    }

    /// Where an honoured value is read: a field of [`TopicConfig`](crate::TopicConfig) or a method
    /// of [`EffectiveConfig`](crate::EffectiveConfig), named like the configuration with `_` for
    /// `.`, unless its row says otherwise (`read_as`).
    pub fn accessor(&self) -> String {
        self.accessor.map_or_else(|| self.name.replace('.', "_"), str::to_owned)
    }

    /// Whether its value is never shown: a secret, or a name that may stand for one.
    pub fn is_sensitive(&self) -> bool {
        matches!(self.kind, ConfigType::Password | ConfigType::Unknown)
    }

    /// Checks a value and returns it in plain form: no blanks around it, `true` for `TRUE`.
    ///
    /// Errors: what is wrong with it, for whoever set it.
    pub fn check(&self, value: &str) -> Result<String, InvalidValue> {
        self.check_rule(self.rule, value)
    }

    /// [`Definition::check`] with another rule.
    pub(crate) fn check_rule(&self, rule: Rule, value: &str) -> Result<String, InvalidValue> {
        rule.check(self.kind, value).map_err(|reason| {
            let value = if self.is_sensitive() { "[hidden]" } else { value };
            InvalidValue { name: self.name.to_owned(), value: value.to_owned(), reason }
        })
    }
}
