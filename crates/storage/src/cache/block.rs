//! The blocks of the cache, and their keys.

use std::{any::Any, sync::Arc};

use milena_types::ClusterId;

use crate::objects::{object_id::ObjectId, store::ObjectError};

/// The kind of a block, and where in its object it begins.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Place {
    /// A segment's footer of level 1, or its list.
    Contents,
    /// Details that are read together.
    Details(u64),
    /// Details of one entry, after they were damaged.
    DetailsAgain(u64),
    Records(u64),
    /// A page of a manifest.
    Page,
}

/// One cache serves every broker of a process, so that keys include the cluster; and the place:
/// frames of several sections of an object have the same indexes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct BlockKey {
    pub(super) cluster: ClusterId,
    pub(super) object: ObjectId,
    pub(super) place: Place,
}

/// A type whose values the cache can hold.
pub(crate) trait Cacheable: Clone + Send + Sync + 'static {
    /// Why it cannot be loaded.
    type Error: Clone + From<ObjectError> + Send + Sync + 'static;

    /// Its bytes in memory.
    fn memory_bytes(&self) -> usize;
}

/// A cached value of any type, and what it weighs.
#[derive(Clone)]
pub(super) struct CachedBlock {
    pub(super) bytes: usize,
    value: Arc<dyn Any + Send + Sync>,
}

impl CachedBlock {
    pub(super) fn new<T: Cacheable>(value: T) -> Self {
        Self { bytes: value.memory_bytes(), value: Arc::new(value) }
    }

    pub(super) fn value<T: Cacheable>(&self) -> T {
        self.value.downcast_ref::<T>().expect("a place holds values of one type").clone()
    }
}

/// Why a block could not be loaded.
#[derive(Clone)]
pub(super) struct LoadError(Arc<dyn Any + Send + Sync>);

impl LoadError {
    pub(super) fn new<T: Cacheable>(error: T::Error) -> Self {
        Self(Arc::new(error))
    }

    pub(super) fn error<T: Cacheable>(&self) -> T::Error {
        self.0.downcast_ref::<T::Error>().expect("a place has errors of one type").clone()
    }
}

pub(super) type Outcome = Result<CachedBlock, LoadError>;
