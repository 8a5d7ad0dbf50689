//! The account that the API is for: what ARNs, defaults and signatures depend on.

use crate::zones::Zones;

/// One account in one region.
#[derive(Clone, Debug)]
pub(crate) struct AccountScope {
    pub(crate) region: String,
    /// 12 digits.
    pub(crate) account: String,
    pub(crate) zones: Zones,
}
