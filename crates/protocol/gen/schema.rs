//! Kafka's message schemas as data.

use serde_json::{Map, Value};

/// A range of versions; open above when `high` is `i16::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    pub low: i16,
    pub high: i16,
}

impl Versions {
    /// `3`, `3+`, `3-5` or `none`.
    fn parse(text: &str) -> Option<Self> {
        if text == "none" {
            return None;
        }
        let number = |t: &str| t.parse().unwrap_or_else(|_| panic!("versions {text}"));
        Some(if let Some(low) = text.strip_suffix('+') {
            Self { low: number(low), high: i16::MAX }
        } else if let Some((low, high)) = text.split_once('-') {
            Self { low: number(low), high: number(high) }
        } else {
            Self { low: number(text), high: number(text) }
        })
    }

    pub fn and(self, other: Self) -> Option<Self> {
        let both = Self { low: self.low.max(other.low), high: self.high.min(other.high) };
        (both.low <= both.high).then_some(both)
    }

    pub fn bounds(self) -> (i16, i16) {
        (self.low, self.high)
    }

    pub fn text(self) -> String {
        match self.bounds() {
            (low, i16::MAX) => format!("{low}+"),
            (low, high) if low == high => format!("{low}"),
            (low, high) => format!("{low}-{high}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Request,
    Response,
    Stored,
}

#[derive(Debug)]
pub struct Schema {
    pub name: String,
    pub kind: Kind,
    /// The API's key; for keys and values of coordinator records, the record's type.
    pub api_key: Option<i16>,
    pub valid: Versions,
    pub flexible: Option<Versions>,
    pub root: Struct,
    /// Structs nested in it or shared within it.
    pub structs: Vec<Struct>,
}

#[derive(Clone, Debug)]
pub struct Struct {
    pub name: String,
    /// Versions of the message in which it can occur.
    pub versions: Versions,
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// `bool`, `int8` … `uuid`
    Scalar(String),
    Text,
    Bytes,
    Records,
    Struct(String),
    Array(Box<Type>),
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub wire_type: String,
    pub ty: Type,
    pub versions: Versions,
    pub nullable: Option<Versions>,
    pub tag: Option<u32>,
    /// The default as text; `null` for null.
    pub default: Option<String>,
    /// Strings of headers that stay in the old form in flexible versions.
    pub never_flexible: bool,
}

impl Schema {
    pub fn module(&self) -> String {
        snake(&self.name)
    }

    pub fn api_name(&self) -> &str {
        self.name
            .strip_suffix("Request")
            .or(self.name.strip_suffix("Response"))
            .unwrap_or(&self.name)
    }
}

/// All messages, by name.
pub fn parse(json: &str) -> Vec<Schema> {
    let all: Map<String, Value> = serde_json::from_str(json).expect("the schemas are JSON");
    let mut schemas: Vec<Schema> = all
        .values()
        .flat_map(|group| group.as_object().expect("a group of messages").values())
        .map(message)
        .collect();
    schemas.sort_by(|a, b| a.name.cmp(&b.name));
    schemas
}

fn text(value: &Value, key: &str) -> Option<String> {
    match value.get(key)? {
        Value::Null => Some("null".to_owned()),
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn message(value: &Value) -> Schema {
    let name = text(value, "name").expect("a message has a name");
    let valid =
        Versions::parse(&text(value, "validVersions").expect("versions")).expect("versions");
    let mut structs = Vec::new();
    for shared in value.get("commonStructs").and_then(Value::as_array).into_iter().flatten() {
        let name = text(shared, "name").expect("a struct has a name");
        let own = text(shared, "versions").and_then(|v| Versions::parse(&v)).unwrap_or(valid);
        let versions = own.and(valid).unwrap_or(valid);
        let shared = make_struct(name, versions, shared, &mut structs);
        structs.push(shared);
    }
    let kind = match text(value, "kind").as_deref() {
        Some("request") => Kind::Request,
        Some("response") => Kind::Response,
        _ => Kind::Stored,
    };
    let root = make_struct(name.clone(), valid, value, &mut structs);
    Schema {
        name,
        kind,
        api_key: value.get("apiKey").and_then(Value::as_i64).map(|k| k as i16),
        valid,
        flexible: text(value, "flexibleVersions").and_then(|v| Versions::parse(&v)),
        root,
        structs,
    }
}

fn make_struct(
    name: String,
    versions: Versions,
    value: &Value,
    structs: &mut Vec<Struct>,
) -> Struct {
    let fields = value["fields"].as_array().expect("a struct has fields");
    let fields = fields.iter().filter_map(|f| make_field(versions, f, structs)).collect();
    Struct { name, versions, fields }
}

/// A field, unless no version of the struct has it.
fn make_field(around: Versions, value: &Value, structs: &mut Vec<Struct>) -> Option<Field> {
    let tag = value.get("tag").and_then(Value::as_u64).map(|t| t as u32);
    let own = text(value, "versions")
        .or_else(|| text(value, "taggedVersions"))
        .expect("a field has versions");
    if let (Some(v), Some(t)) = (text(value, "versions"), text(value, "taggedVersions")) {
        assert_eq!(
            v, t,
            "a field that is tagged in some of its versions only needs the generator to learn it"
        );
    }
    let versions = Versions::parse(&own)?.and(around)?;
    let wire_type = text(value, "type").expect("a field has a type");
    let ty = parse_type(&wire_type);
    if value.get("fields").is_some() {
        let name = wire_type.trim_start_matches("[]").to_owned();
        assert!(!structs.iter().any(|s| s.name == name), "{name} occurs twice in a message");
        let nested = make_struct(name, versions, value, structs);
        structs.push(nested);
    }
    let nullable = text(value, "nullableVersions")
        .and_then(|v| Versions::parse(&v))
        .and_then(|v| v.and(versions));
    Some(Field {
        name: snake(&text(value, "name").expect("a field has a name")),
        wire_type,
        ty,
        versions,
        nullable,
        tag,
        default: text(value, "default"),
        never_flexible: text(value, "flexibleVersions").as_deref() == Some("none"),
    })
}

fn parse_type(text: &str) -> Type {
    if let Some(element) = text.strip_prefix("[]") {
        return Type::Array(Box::new(parse_type(element)));
    }
    match text {
        "string" => Type::Text,
        "bytes" => Type::Bytes,
        "records" => Type::Records,
        _ if text.starts_with(|c: char| c.is_ascii_lowercase()) => Type::Scalar(text.to_owned()),
        _ => Type::Struct(text.to_owned()),
    }
}

/// `ErrorCode` and `errorCode` as `error_code`; words that Rust keeps get an underscore.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, &c) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| letters[i]);
        let after = letters.get(i + 1);
        let word_begins = c.is_ascii_uppercase()
            && before.is_some_and(|b| {
                !b.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase)
            });
        if word_begins {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    if ["type", "match"].contains(&out.as_str()) {
        out.push('_');
    }
    out
}
