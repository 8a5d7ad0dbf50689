//! The zones that MSK's `clientSubnets` stand for.
//!
//! The settings may have a table of subnets and zones; any other subnet gets the region's next zone
//! that the request does not use yet, so that made-up subnet ids are spread.

use std::collections::BTreeMap;

/// A region's zones, and the configured zones of subnets.
#[derive(Clone, Debug)]
pub struct Zones {
    /// The prefix of the region's zone ids, such as `use1`.
    region_code: String,
    subnets: BTreeMap<String, String>,
}

/// A zone that MSK has no brokers in.
const EXCLUDED: &str = "use1-az3";

impl Zones {
    /// The zones of a region (`us-east-1` has `use1-az1`, …); `subnets` has the configured ones.
    pub fn new(region: &str, subnets: BTreeMap<String, String>) -> Self {
        Self { region_code: region_code(region), subnets }
    }

    /// The zone of each subnet, in order. Two subnets share a zone only where the settings say so.
    pub(crate) fn of_subnets(&self, subnets: &[String]) -> Vec<String> {
        let configured: Vec<Option<&String>> =
            subnets.iter().map(|subnet| self.subnets.get(subnet)).collect();
        let mut used: Vec<String> = configured.iter().filter_map(|zone| zone.cloned()).collect();
        let mut next = 1..;
        let mut unused = || {
            let mut names =
                next.by_ref().map(|number: u32| format!("{}-az{number}", self.region_code));
            let zone = names.find(|zone| zone != EXCLUDED && !used.contains(zone));
            let zone = zone.expect("there is no end of numbers");
            used.push(zone.clone());
            zone
        };
        configured.into_iter().map(|zone| zone.cloned().unwrap_or_else(&mut unused)).collect()
    }
}

/// AWS's short form of a region in zone ids: `us-east-1` is `use1`, `ap-southeast-2` is `apse2`.
fn region_code(region: &str) -> String {
    let mut parts = region.split('-');
    let mut code = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part {
            "northeast" => code.push_str("ne"),
            "northwest" => code.push_str("nw"),
            "southeast" => code.push_str("se"),
            "southwest" => code.push_str("sw"),
            _ if part.bytes().all(|b| b.is_ascii_digit()) => code.push_str(part),
            _ => code.extend(part.chars().next()),
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_awss_short_forms() {
        let forms = [
            ("us-east-1", "use1"),
            ("eu-central-1", "euc1"),
            ("ap-southeast-2", "apse2"),
            ("local", "local"),
        ];
        for (region, code) in forms {
            assert_eq!(region_code(region), code);
        }
    }

    #[test]
    fn any_subnet_has_a_zone() {
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let zones = Zones::new("us-east-1", BTreeMap::new());
        assert_eq!(
            zones.of_subnets(&names(&["a", "b", "c"])),
            ["use1-az1", "use1-az2", "use1-az4"]
        );
        let table =
            [("b", "use1-az1"), ("x", "use1-az1")].map(|(s, z)| (s.to_owned(), z.to_owned()));
        let zones = Zones::new("us-east-1", table.into());
        assert_eq!(
            zones.of_subnets(&names(&["a", "b", "c"])),
            ["use1-az2", "use1-az1", "use1-az4"]
        );
        assert_eq!(zones.of_subnets(&names(&["b", "x"])), ["use1-az1", "use1-az1"]);
    }
}
