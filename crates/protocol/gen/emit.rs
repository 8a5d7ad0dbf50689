//! From a schema to Rust.

use std::fmt::Write as _;

use super::schema::{Field, Kind, Schema, Struct, Type, Versions};

/// The width of generated lines.
const WIDTH: usize = 100;

/// The struct and versions around a field, for its code.
struct Context<'a> {
    schema: &'a Schema,
    /// The versions in which the struct occurs.
    around: Versions,
    /// `true`, `false` or `flexible`.
    flexible: &'static str,
}

/// The text of a message's module, without the note.
pub fn message(schema: &Schema) -> String {
    let mut out = format!("//! `{}`, versions {}.\n\n", schema.name, schema.valid.text());
    let all: Vec<&Struct> = std::iter::once(&schema.root).chain(&schema.structs).collect();
    let body: String = all.iter().map(|s| one_struct(schema, s)).collect();
    let uses = |name: &str| body.contains(name);
    if uses("Bytes") {
        out.push_str("use bytes::Bytes;\n\n");
    }
    let mut names = vec!["DecodeError", "Decoder", "Encoder", "Message"];
    if uses("ApiKey::") {
        names.insert(0, "ApiKey");
    }
    names.extend(["KString", "Records", "Request", "Uuid"].iter().filter(|n| {
        body.contains(&format!(": {n},"))
            || body.contains(&format!("<{n}>"))
            || body.contains(&format!("impl {n} for"))
    }));
    names.sort_unstable();
    writeln!(out, "use crate::{{{}}};", names.join(", ")).unwrap();
    out.push_str(&body);
    out
}

/// Breaks lines of generated code that are longer than `WIDTH`: at braces, at the arguments of a
/// call, or behind `=`.
pub fn wrap(code: &str) -> String {
    let mut out = String::new();
    for line in code.lines() {
        wrap_line(line, &mut out);
    }
    out
}

fn wrap_line(line: &str, out: &mut String) {
    if line.len() <= WIDTH {
        writeln!(out, "{line}").unwrap();
        return;
    }
    let code = line.trim_start();
    let indent = &line[..line.len() - code.len()];
    if let Some((open, close)) = block(code) {
        let (head, inner, tail) = (&code[..=open], &code[open + 1..close], &code[close..]);
        writeln!(out, "{indent}{head}").unwrap();
        wrap_line(&format!("{indent}    {}", inner.trim()), out);
        match tail.strip_prefix("} else { ").and_then(|rest| rest.split_once(" }")) {
            Some((inner, tail)) => {
                writeln!(out, "{indent}}} else {{").unwrap();
                wrap_line(&format!("{indent}    {inner}"), out);
                writeln!(out, "{indent}}}{tail}").unwrap();
            }
            None => writeln!(out, "{indent}{tail}").unwrap(),
        }
    } else if let Some((head, value)) = code.split_once(" = ") {
        writeln!(out, "{indent}{head} =").unwrap();
        writeln!(out, "{indent}    {value}").unwrap();
    } else if let Some((head, args)) = code.strip_suffix("),").and_then(|c| c.split_once('(')) {
        writeln!(out, "{indent}{head}(").unwrap();
        args.split(", ").for_each(|arg| writeln!(out, "{indent}    {arg},").unwrap());
        writeln!(out, "{indent}),").unwrap();
    } else {
        writeln!(out, "{line}").unwrap();
    }
}

/// The places of the first opening brace in `code` and of the one that closes it.
fn block(code: &str) -> Option<(usize, usize)> {
    let open = code.find('{')?;
    let mut depth = 0;
    for (at, c) in code.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((open, at));
        }
    }
    None
}

fn one_struct(schema: &Schema, s: &Struct) -> String {
    let flexible = match schema.flexible.and_then(|f| f.and(s.versions)) {
        None => "false",
        Some(f) if f == s.versions => "true",
        Some(_) => "flexible",
    };
    let context = Context { schema, around: s.versions, flexible };
    let plain_default = s.fields.iter().all(|f| default_value(schema, f).is_none());
    let mut out = String::new();
    if s.name == schema.name {
        write!(out, "\n/// The message.\n").unwrap();
    } else {
        write!(out, "\n/// Part of [`{}`], versions {}.\n", schema.name, s.versions.text())
            .unwrap();
    }
    let derive =
        if plain_default { "Clone, Debug, Default, PartialEq" } else { "Clone, Debug, PartialEq" };
    let name = &s.name;
    if s.fields.is_empty() {
        write!(out, "#[derive({derive})]\npub struct {name} {{}}\n").unwrap();
    } else {
        write!(out, "#[derive({derive})]\npub struct {name} {{\n").unwrap();
        for field in &s.fields {
            writeln!(out, "    /// {}.", describe(field)).unwrap();
            writeln!(out, "    pub {}: {},", field.name, rust_type(schema, field)).unwrap();
        }
        out.push_str("}\n");
    }
    if !plain_default {
        out.push_str(&default_impl(schema, s));
    }
    write!(out, "\nimpl Message for {name} {{\n").unwrap();
    let (low, high) = schema.valid.bounds();
    writeln!(out, "    const VERSIONS: std::ops::RangeInclusive<i16> = {low}..={high};").unwrap();
    let from = schema.flexible.map_or("i16::MAX".to_owned(), |f| f.low.to_string());
    writeln!(out, "    const FLEXIBLE_FROM: i16 = {from};").unwrap();
    out.push_str(&decode(&context, s));
    out.push_str(&encode(&context, s));
    out.push_str("}\n");
    if s.name == schema.name && schema.kind == Kind::Request {
        let api = schema.api_name();
        write!(
            out,
            "\nimpl Request for {name} {{\n    const KEY: ApiKey = ApiKey::{api};\n    \
             type Response = super::{}::{api}Response;\n}}\n",
            schema.module().replace("_request", "_response")
        )
        .unwrap();
    }
    out
}

fn describe(field: &Field) -> String {
    let mut out = format!("`{}`, versions {}", field.wire_type, field.versions.text());
    if let Some(tag) = field.tag {
        write!(out, ", tag {tag}").unwrap();
    }
    if let Some(nullable) = field.nullable.filter(|n| *n != field.versions) {
        write!(out, ", null in {}", nullable.text()).unwrap();
    }
    if let Some(default) = field.default.as_ref().filter(|d| !d.is_empty()) {
        write!(out, ", default {default}").unwrap();
    }
    out
}

fn is_response(schema: &Schema) -> bool {
    schema.kind == Kind::Response
}

fn bare_type(schema: &Schema, ty: &Type) -> String {
    match ty {
        Type::Scalar(name) => match name.as_str() {
            "bool" => "bool",
            "int8" => "i8",
            "int16" => "i16",
            "int32" => "i32",
            "int64" => "i64",
            "uint16" => "u16",
            "uint32" => "u32",
            "float64" => "f64",
            "uuid" => "Uuid",
            other => panic!("type {other}"),
        }
        .to_owned(),
        Type::Text => "KString".to_owned(),
        Type::Records if is_response(schema) => "Records".to_owned(),
        Type::Bytes | Type::Records => "Bytes".to_owned(),
        Type::Struct(name) => name.clone(),
        Type::Array(element) => format!("Vec<{}>", bare_type(schema, element)),
    }
}

fn rust_type(schema: &Schema, field: &Field) -> String {
    let bare = bare_type(schema, &field.ty);
    if field.nullable.is_some() { format!("Option<{bare}>") } else { bare }
}

/// The default where it is not Rust's.
fn default_value(schema: &Schema, field: &Field) -> Option<String> {
    let default = field.default.as_deref();
    if field.nullable.is_some() {
        return match (default, &field.ty) {
            (Some("null"), _) => None,
            (Some(_), _) | (None, Type::Array(_)) => Some("Some(Default::default())".to_owned()),
            // A response must not have null records: an empty response has a byte string of length
            // zero.
            (None, Type::Records) if is_response(schema) => {
                Some("Some(Default::default())".to_owned())
            }
            // Kafka's own classes begin with an empty string where the schema says nothing, and
            // every user of them has to set null: an empty error message or
            // transactional id is not the same as none.
            (None, _) => None,
        };
    }
    let Type::Scalar(kind) = &field.ty else {
        assert!(default.is_none_or(str::is_empty), "{} has a default of its own", field.name);
        return None;
    };
    let text = default?;
    match (kind.as_str(), text) {
        ("bool", "true") => Some("true".to_owned()),
        (_, "false" | "0" | "") => None,
        _ => Some(match text.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).expect("a number").to_string(),
            None => text.to_owned(),
        }),
    }
}

fn default_impl(schema: &Schema, s: &Struct) -> String {
    let mut out =
        format!("\nimpl Default for {} {{\n    fn default() -> Self {{\n        Self {{\n", s.name);
    for field in &s.fields {
        let value = default_value(schema, field).unwrap_or("Default::default()".to_owned());
        writeln!(out, "            {}: {value},", field.name).unwrap();
    }
    out.push_str("        }\n    }\n}\n");
    out
}

/// The condition under which a version of `around` is one of `wanted`; nothing when every one is.
fn condition(around: Versions, wanted: Versions) -> Option<String> {
    let from = (wanted.low > around.low).then(|| format!("version >= {}", wanted.low));
    let to = (wanted.high < around.high).then(|| format!("version <= {}", wanted.high));
    match (from, to) {
        (None, None) => None,
        (Some(_), Some(_)) if wanted.low == wanted.high => {
            Some(format!("version == {}", wanted.low))
        }
        (Some(from), Some(to)) => Some(format!("{from} && {to}")),
        (from, to) => from.or(to),
    }
}

impl Context<'_> {
    fn flexible(&self, field: &Field) -> &'static str {
        if field.never_flexible {
            "false"
        } else if field.tag.is_some() {
            "true"
        } else {
            self.flexible
        }
    }

    /// The call without `d.` or `e.`, and which of `flexible` and `version` it takes.
    fn method(&self, ty: &Type, nullable: bool) -> (String, bool, bool) {
        let (name, flexible, version) = match ty {
            Type::Scalar(_) => return (bare_type(self.schema, ty), false, false),
            Type::Text => ("string", true, false),
            Type::Records if is_response(self.schema) => ("records", true, false),
            Type::Bytes | Type::Records => ("bytes", true, false),
            Type::Struct(_) => ("struct", false, true),
            Type::Array(element) if matches!(**element, Type::Struct(_)) => ("structs", true, true),
            Type::Array(_) => ("array", true, false),
        };
        (if nullable { format!("nullable_{name}") } else { name.to_owned() }, flexible, version)
    }

    fn read(&self, field: &Field, nullable: bool) -> String {
        if let (Type::Struct(name), false) = (&field.ty, nullable) {
            return format!("{name}::decode(d, version)?");
        }
        let (method, flexible, version) = self.method(&field.ty, nullable);
        let method = if method == "Uuid" { "uuid".to_owned() } else { method };
        let args = [flexible.then(|| self.flexible(field)), version.then_some("version")];
        format!("d.{method}({})?", args.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }

    fn write(&self, field: &Field, nullable: bool) -> String {
        let optional = field.nullable.is_some();
        let place = format!("self.{}", field.name);
        if let (Type::Struct(_), false) = (&field.ty, nullable) {
            let value =
                if optional { format!("{place}.clone().unwrap_or_default()") } else { place };
            return format!("{value}.encode(e, version);");
        }
        let value = match (&field.ty, optional, nullable) {
            (Type::Scalar(_), ..) => place,
            (_, true, true) => format!("{place}.as_ref()"),
            (Type::Text, true, false) => format!("{place}.as_deref().unwrap_or_default()"),
            (Type::Array(_), true, false) => format!("{place}.as_deref().unwrap_or_default()"),
            (_, true, false) => format!("{place}.as_ref().unwrap_or(&Default::default())"),
            _ => format!("&{place}"),
        };
        let (method, flexible, version) = self.method(&field.ty, nullable);
        let method = if method == "Uuid" { "uuid".to_owned() } else { method };
        let args = [flexible.then(|| self.flexible(field)), version.then_some("version")];
        let args: Vec<_> =
            std::iter::once(value.as_str()).chain(args.into_iter().flatten()).collect();
        format!("e.{method}({});", args.join(", "))
    }

    /// Splits a field's versions into those that allow null and those that do not, for `one` to
    /// write code for.
    fn by_nullability(&self, field: &Field, one: impl Fn(bool) -> String) -> String {
        match field.nullable.map(|n| (n, condition(field.versions, n))) {
            None => one(false),
            Some((_, None)) => one(true),
            Some((_, Some(when))) => {
                format!("if {when} {{ {} }} else {{ {} }}", one(true), one(false))
            }
        }
    }

    fn decode_field(&self, field: &Field) -> String {
        let optional = field.nullable.is_some();
        let read = self.by_nullability(field, |nullable| {
            let read = self.read(field, nullable);
            if optional && !nullable { format!("Some({read})") } else { read }
        });
        format!("m.{} = {read}", field.name)
    }

    fn encode_field(&self, field: &Field) -> String {
        self.by_nullability(field, |nullable| self.write(field, nullable))
    }

    /// Whether a tagged field differs from its default.
    fn is_set(&self, field: &Field) -> String {
        let place = format!("self.{}", field.name);
        let default = default_value(self.schema, field);
        match (&field.ty, field.nullable.is_some(), default) {
            (_, true, None) => format!("{place}.is_some()"),
            (Type::Text | Type::Bytes | Type::Array(_), false, _) => format!("!{place}.is_empty()"),
            (Type::Scalar(kind), false, None) if kind == "bool" => place,
            (Type::Scalar(kind), false, None) if kind == "uuid" => format!("!{place}.is_nil()"),
            (Type::Scalar(_), false, default) => {
                format!("{place} != {}", default.unwrap_or("0".to_owned()))
            }
            (Type::Struct(name), false, _) => format!("{place} != {name}::default()"),
            (_, true, Some(value)) => format!("{place} != {value}"),
            (Type::Records, ..) => panic!("records are never tagged"),
        }
    }
}

fn inline(s: &Struct) -> impl Iterator<Item = &Field> {
    s.fields.iter().filter(|f| f.tag.is_none())
}

fn tagged(s: &Struct) -> Vec<&Field> {
    let mut fields: Vec<_> = s.fields.iter().filter(|f| f.tag.is_some()).collect();
    fields.sort_by_key(|f| f.tag);
    fields
}

fn uses_version(code: &str) -> bool {
    code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
        .any(|word| word == "version")
}

fn decode(context: &Context<'_>, s: &Struct) -> String {
    let mut body = String::new();
    if s.name == context.schema.name {
        body.push_str("        d.check_version::<Self>(version)?;\n");
    }
    if context.flexible == "flexible" {
        body.push_str("        let flexible = version >= Self::FLEXIBLE_FROM;\n");
    }
    let binding = if s.fields.is_empty() { "m" } else { "mut m" };
    writeln!(body, "        let {binding} = Self::default();").unwrap();
    for field in inline(s) {
        let read = context.decode_field(field);
        match condition(context.around, field.versions) {
            None => writeln!(body, "        {read};").unwrap(),
            Some(when) => writeln!(body, "        if {when} {{ {read}; }}").unwrap(),
        }
    }
    let tags = tagged(s);
    let (open, pad, close) = match context.flexible {
        "false" => return finish_decode(&body),
        "true" => ("", "        ", ""),
        _ => ("        if flexible {\n", "            ", "        }\n"),
    };
    body.push_str(open);
    if tags.is_empty() {
        writeln!(body, "{pad}d.skip_tags()?;").unwrap();
    } else {
        writeln!(body, "{pad}for _ in 0..d.tag_count()? {{").unwrap();
        writeln!(body, "{pad}    let (tag, outer) = d.begin_tag()?;").unwrap();
        writeln!(body, "{pad}    match tag {{").unwrap();
        for field in tags {
            let when = condition(context.around, field.versions)
                .map_or(String::new(), |w| format!(" if {w}"));
            let tag = field.tag.expect("it is tagged");
            writeln!(body, "{pad}        {tag}{when} => {},", context.decode_field(field)).unwrap();
        }
        writeln!(body, "{pad}        _ => {{}}\n{pad}    }}\n{pad}    d.end_tag(outer);\n{pad}}}")
            .unwrap();
    }
    body.push_str(close);
    finish_decode(&body)
}

fn finish_decode(body: &str) -> String {
    let version = if uses_version(body) { "version" } else { "_version" };
    let d = if body.contains("d.") || body.contains("(d,") { "d" } else { "_d" };
    format!(
        "\n    fn decode({d}: &mut Decoder, {version}: i16) -> Result<Self, DecodeError> {{\n\
         {body}        Ok(m)\n    }}\n"
    )
}

fn encode(context: &Context<'_>, s: &Struct) -> String {
    let mut body = String::new();
    for field in inline(s) {
        let write = context.encode_field(field);
        match condition(context.around, field.versions) {
            None => writeln!(body, "        {write}").unwrap(),
            Some(when) => writeln!(body, "        if {when} {{ {write} }}").unwrap(),
        }
    }
    let tags = tagged(s);
    let (open, pad, close) = match context.flexible {
        "false" => return finish_encode(&body),
        "true" => ("", "        ", ""),
        _ => ("        if flexible {\n", "            ", "        }\n"),
    };
    body.push_str(open);
    if tags.is_empty() {
        writeln!(body, "{pad}e.uvarint(0);").unwrap();
    } else {
        let mut sum = Vec::new();
        for field in &tags {
            let tag = field.tag.expect("it is tagged");
            let set = context.is_set(field);
            let when = condition(context.around, field.versions)
                .map_or(set.clone(), |w| format!("{w} && {set}"));
            writeln!(body, "{pad}let has_{tag} = {when};").unwrap();
            sum.push(format!("u32::from(has_{tag})"));
        }
        writeln!(body, "{pad}e.uvarint({});", sum.join(" + ")).unwrap();
        for field in &tags {
            let tag = field.tag.expect("it is tagged");
            writeln!(
                body,
                "{pad}if has_{tag} {{ e.tagged({tag}, |e| {{ {} }}); }}",
                context.encode_field(field)
            )
            .unwrap();
        }
    }
    body.push_str(close);
    let mut body = finish_encode(&body);
    if context.flexible == "flexible" {
        let open = body.find("{\n").expect("a body") + 2;
        body.insert_str(open, "        let flexible = version >= Self::FLEXIBLE_FROM;\n");
        body = body.replace("_version: i16", "version: i16");
    }
    body
}

fn finish_encode(body: &str) -> String {
    let version = if uses_version(body) { "version" } else { "_version" };
    let e = if body.is_empty() { "_e" } else { "e" };
    format!("\n    fn encode(&self, {e}: &mut Encoder, {version}: i16) {{\n{body}    }}\n")
}
