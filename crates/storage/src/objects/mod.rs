//! Access to the object store.

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
pub(crate) mod directory;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod disk_objects;
mod durable_file;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod faulty;
pub(crate) mod object_id;
pub(crate) mod store;
#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "testing"))]
pub use disk_objects::DiskObjects;
#[cfg(any(test, feature = "testing"))]
pub use faulty::{FaultyStore, StoreFault};
pub use object_id::ObjectId;
pub use store::{ObjectError, Objects};
