//! The protocol crate against its schemas, against itself and against another implementation.

#![allow(unreachable_pub)]

#[path = "../../gen/mod.rs"]
#[allow(dead_code)]
mod codegen;

mod bodies;
mod errors;
mod frames;
mod fuzzing;
mod generated;
mod oracle;
mod releases;
