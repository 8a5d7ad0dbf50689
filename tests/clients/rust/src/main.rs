//! The crate rdkafka, answering the calls of `tests/clients/python/driven.py`: one JSON object a
//! line in, one a line out.

mod client;
mod member;
mod record;

use std::{
    collections::BTreeMap,
    error::Error,
    io::{BufRead, Write},
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{client::Client, member::Member, record::Record};

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The arguments of every call; each uses some.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Call {
    #[serde(rename = "call")]
    name: String,
    topic: String,
    group: String,
    partition: i32,
    partitions: i32,
    config: BTreeMap<String, String>,
    records: Vec<Record>,
    codec: String,
    acks: String,
    idempotent: bool,
    count: usize,
    places: BTreeMap<i32, i64>,
    timestamp: i64,
    member: u64,
    instance: String,
    start: String,
    seconds: f64,
}

/// The version of the crate that this program is built with.
fn version() -> Option<&'static str> {
    let (_, after) =
        include_str!("../Cargo.lock").split_once("name = \"rdkafka\"\nversion = \"")?;
    after.split('"').next()
}

fn answer(client: &Client, members: &mut BTreeMap<u64, Member>, call: &Call) -> Result<Value> {
    Ok(match call.name.as_str() {
        "hello" => json!(["rdkafka (Rust)", version()]),
        "create_topic" => json!(client.create_topic(&call.topic, call.partitions, &call.config)?),
        "topic_partitions" => json!(client.topic_partitions(&call.topic)?),
        "produce" => json!(client.produce(call)?),
        "consume" => json!(client.consume(&call.topic, call.count, &call.places)?),
        "end_offsets" => json!(client.end_offsets(&call.topic)?),
        "committed" => json!(client.committed(&call.group, &call.topic)?),
        "offset_for_time" => {
            json!(client.offset_for_time(&call.topic, call.partition, call.timestamp)?)
        }
        "describe_config" => json!(client.describe_config(&call.topic)?),
        "alter_config" => json!(client.alter_config(&call.topic, &call.config)?),
        "create_partitions" => json!(client.create_partitions(&call.topic, call.partitions)?),
        "delete_records" => json!(client.delete_records(&call.topic, &call.places)?),
        "list_groups" => json!(client.list_groups()?),
        "describe_group" => json!(client.describe_group(&call.group)?),
        "delete_group" => json!(client.delete_group(&call.group)?),
        "delete_topic" => json!(client.delete_topic(&call.topic)?),
        "member" => {
            members.insert(call.member, client.member(call)?);
            Value::Null
        }
        "close" => json!(members.remove(&call.member).ok_or("no such member")?.close()),
        "poll" => members.get(&call.member).ok_or("no such member")?.poll(call.seconds)?,
        "commit" => json!(members.get(&call.member).ok_or("no such member")?.commit()?),
        other => return Err(format!("no call is named {other:?}").into()),
    })
}

fn main() -> Result<()> {
    let bootstrap = std::env::args().nth(1).ok_or("usage: milena-client-rust BOOTSTRAP VERSION")?;
    let client = Client::new(bootstrap)?;
    let mut members = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let call = serde_json::from_str(&line?)?;
        let answer = match answer(&client, &mut members, &call) {
            Ok(result) => json!({ "ok": result }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}
