//! Random valid message bodies, written straight from the schemas: an encoder of its own, so that
//! what the generated code does is checked against the schema and not against itself.

use super::codegen::schema::{Field, Schema, Struct, Type, Versions};

/// Repeatable randomness (splitmix64).
pub struct TestRng(u64);

impl TestRng {
    /// A sequence for a name and a number.
    pub fn named(name: &str, seed: u64) -> Self {
        let hash = name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
        });
        Self(hash)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// A body and whether it is written the only way there is (no tagged field holds its default).
pub struct Body {
    pub bytes: Vec<u8>,
    pub canonical: bool,
}

pub fn random_body(schema: &Schema, version: i16, rng: &mut TestRng) -> Body {
    let flexible = schema.flexible.is_some_and(|f| contains(f, version));
    let mut writer = Writer { schema, version, flexible, rng, canonical: true };
    let mut bytes = Vec::new();
    writer.structure(&schema.root, &mut bytes);
    Body { bytes, canonical: writer.canonical }
}

pub fn contains(versions: Versions, version: i16) -> bool {
    versions.low <= version && version <= versions.high
}

struct Writer<'a> {
    schema: &'a Schema,
    version: i16,
    flexible: bool,
    rng: &'a mut TestRng,
    canonical: bool,
}

impl Writer<'_> {
    fn structure(&mut self, s: &Struct, out: &mut Vec<u8>) {
        let present: Vec<&Field> =
            s.fields.iter().filter(|f| contains(f.versions, self.version)).collect();
        for field in present.iter().filter(|f| f.tag.is_none()) {
            self.field(field, out);
        }
        if !self.flexible {
            return;
        }
        let mut tagged: Vec<&Field> = present.into_iter().filter(|f| f.tag.is_some()).collect();
        tagged.sort_by_key(|f| f.tag);
        tagged.retain(|_| self.rng.below(2) == 0);
        uvarint(tagged.len() as u64, out);
        for field in tagged {
            let mut value = Vec::new();
            self.tagged_value(field, &mut value);
            uvarint(u64::from(field.tag.expect("it is tagged")), out);
            uvarint(value.len() as u64, out);
            out.extend(value);
        }
    }

    fn field(&mut self, field: &Field, out: &mut Vec<u8>) {
        let nullable = field.nullable.is_some_and(|n| contains(n, self.version));
        let null = nullable && self.rng.below(3) == 0;
        if matches!(field.ty, Type::Struct(_)) && nullable {
            out.push(if null { 0xff } else { 1 });
            if null {
                return;
            }
        }
        self.value(&field.ty, null, self.flexible && !field.never_flexible, out);
    }

    /// A value that is surely not the default, except for structs, where that is not checked.
    fn tagged_value(&mut self, field: &Field, out: &mut Vec<u8>) {
        match &field.ty {
            Type::Scalar(kind) if kind == "bool" => out.push(1),
            Type::Scalar(kind) => out.extend(vec![0x2a; width(kind)]),
            Type::Struct(_) if field.nullable.is_none() => {
                self.canonical = false;
                self.value(&field.ty, false, true, out);
            }
            Type::Struct(_) => {
                out.push(1);
                self.value(&field.ty, false, true, out);
            }
            Type::Array(element) => {
                uvarint(2, out);
                self.value(element, false, true, out);
            }
            Type::Text | Type::Bytes | Type::Records => {
                uvarint(2, out);
                out.push(b'x');
            }
        }
    }

    fn value(&mut self, ty: &Type, null: bool, flexible: bool, out: &mut Vec<u8>) {
        match ty {
            Type::Scalar(kind) if kind == "bool" => out.push(self.rng.below(2) as u8),
            Type::Scalar(kind) if kind == "float64" => out.extend(1.5f64.to_be_bytes()),
            Type::Scalar(kind) => {
                let number = match self.rng.below(4) {
                    0 => 0,
                    1 => u64::MAX,
                    2 => self.rng.below(300) as u64,
                    _ => self.rng.next(),
                };
                let bytes = [number.to_be_bytes(), number.to_be_bytes()].concat();
                out.extend(&bytes[16 - width(kind)..]);
            }
            Type::Text => {
                let length = [0, 1, 5, 130][self.rng.below(4)];
                let text: String =
                    (0..length).map(|_| ['a', 'Z', '-', 'ß', '日'][self.rng.below(5)]).collect();
                match flexible {
                    true => uvarint(if null { 0 } else { text.len() as u64 + 1 }, out),
                    false => out.extend((if null { -1 } else { text.len() as i16 }).to_be_bytes()),
                }
                if !null {
                    out.extend(text.as_bytes());
                }
            }
            Type::Bytes | Type::Records => {
                let length = [0, 3, 200, 2000][self.rng.below(4)];
                count(length, null, flexible, out);
                if !null {
                    out.extend((0..length).map(|i| i as u8));
                }
            }
            Type::Array(element) => {
                let length = [0, 1, 2, 3][self.rng.below(4)];
                count(length, null, flexible, out);
                for _ in 0..if null { 0 } else { length } {
                    self.value(element, false, flexible, out);
                }
            }
            Type::Struct(name) => {
                let schema = self.schema;
                let nested =
                    schema.structs.iter().find(|s| s.name == *name).expect("it is in the schema");
                self.structure(nested, out);
            }
        }
    }
}

fn width(kind: &str) -> usize {
    match kind {
        "int8" | "bool" => 1,
        "int16" | "uint16" => 2,
        "int32" | "uint32" => 4,
        "int64" | "float64" => 8,
        "uuid" => 16,
        other => panic!("width of {other}"),
    }
}

fn count(length: usize, null: bool, flexible: bool, out: &mut Vec<u8>) {
    match flexible {
        true => uvarint(if null { 0 } else { length as u64 + 1 }, out),
        false => out.extend((if null { -1 } else { length as i32 }).to_be_bytes()),
    }
}

pub fn uvarint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
