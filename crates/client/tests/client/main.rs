//! The client against a scripted broker on loopback, which fails in ways that a real broker rarely
//! does.

#![allow(unreachable_pub)]

mod calls;
mod peer;
mod retries;
