//! The client against a scripted broker on loopback: what a real broker does only on a bad day.

#![allow(unreachable_pub)]

mod calls;
mod peer;
mod retries;
