//! The named checks and the scores of verifications, counted from the decoded records (docs/METRICS.md, "Checks").

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use kycmart::record::{Check, Observation, Product, Provider};

use super::jobs::Seen;
use super::reports::{Asked, Counted};
use super::table::{Expected, Rows, Take, count, derive, key};
use super::verdict::Verification;

/// Where a check stands: payload and entry of it.
type Carrier<'a> = (&'a str, i32);
/// What one statement of a check says: reason, result, detail.
type Said<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

/// The checks that an observation carries.
fn of<'c>(carriers: &'c HashMap<Carrier<'c>, Vec<&'c Check>>, one: &'c Observation) -> &'c [&'c Check] {
    carriers.get(&(one.payload_key.as_str(), one.position)).map(Vec::as_slice).unwrap_or_default()
}

impl Counted<'_> {
    fn carriers(&self) -> HashMap<Carrier<'_>, Vec<&Check>> {
        let mut carriers: HashMap<Carrier, Vec<&Check>> = HashMap::new();
        for check in self.payloads.iter().flat_map(|payload| &payload.checks) {
            carriers.entry((&check.payload_key, check.position)).or_default().push(check);
        }
        carriers
    }

    /// Of the members that satisfy a condition, the latest.
    fn latest(&self, of: &Verification, has: impl Fn(&Observation) -> bool) -> Option<&Seen<'_>> {
        let members = of.members.iter().map(|member| &self.seen[*member]).filter(|one| has(one.stated));
        members.max_by_key(|one| {
            (one.own_time().is_some(), one.at, Reverse(one.stated.position), Reverse(&one.stated.payload_key))
        })
    }

    pub fn checks(&self, asked: Asked) -> Expected {
        let carriers = self.carriers();
        let mut rows = Rows::<i64>::new(&["verifications"]);
        let mut carried = BTreeMap::new();
        let mut products = BTreeMap::new();
        for v in self.verifications(asked) {
            let (provider, product) = (Some(v.provider.word()), v.product.map(Product::word));
            *products.entry((provider, product)).or_insert(0) += 1;
            let names: BTreeSet<&str> = v
                .members
                .iter()
                .flat_map(|m| of(&carriers, self.seen[*m].stated))
                .map(|check| check.name.as_str())
                .collect();
            for name in names {
                *carried.entry((provider, product, name)).or_insert(0) += 1;
                let latest =
                    self.latest(v, |one| of(&carriers, one).iter().any(|check| check.name == name)).expect("a carrier");
                let stated = of(&carriers, latest.stated);
                let reason = stated.iter().filter(|c| c.name == "rejectReason").find_map(|c| c.value.as_deref());
                let reason = reason.filter(|_| name == "rejectReasonDetail");
                let here = stated.iter().filter(|check| check.name == name);
                let said: BTreeSet<Said> = here.map(|c| (reason, c.value.as_deref(), c.detail.as_deref())).collect();
                for (reason, result, detail) in said {
                    rows.push(key([provider, product, Some(name), reason, result, detail]), [1]);
                }
            }
        }
        let mut rows = rows.grouped(Take::Sum);
        let or_none = |text: &str| if text.is_empty() { None } else { Some(text.to_owned()) };
        derive(&mut rows, "check_verifications", |key, _| {
            let product = or_none(&key[1]);
            carried[&(Some(key[0].as_str()), product.as_deref(), key[2].as_str())].to_string()
        });
        derive(&mut rows, "product_verifications", |key, _| {
            products[&(Some(key[0].as_str()), or_none(&key[1]).as_deref())].to_string()
        });
        Expected {
            report: "checks",
            keys: &["provider", "product", "check_name", "reason", "result", "detail"],
            rows,
            rates: vec![("share", "verifications", &["check_verifications"])],
        }
    }

    pub fn check_scores(&self, asked: Asked) -> Expected {
        type Score = fn(&Observation) -> Option<f64>;
        let scores: [(&str, Score); 3] = [
            ("liveness", |one| one.liveness_score),
            ("similarity", |one| one.similarity_score),
            ("confidence", |one| one.confidence),
        ];
        let mut rows = Rows::<i64>::new(&["verifications"]);
        for v in self.verifications(asked) {
            for (name, score) in scores {
                let Some(latest) = self.latest(v, |one| score(one).is_some()) else { continue };
                let stated = score(latest.stated).expect("it states one");
                let is_share = v.provider == Provider::Jumio && stated <= 1.0;
                let points = if is_share { stated * 100.0 } else { stated };
                let bucket = (0..=90).rev().step_by(10).find(|edge| points >= f64::from(*edge)).expect("a bucket");
                for edge in (0..100).step_by(10) {
                    let row = key([
                        Some(v.provider.word()),
                        v.product.map(Product::word),
                        Some(name),
                        Some(&edge.to_string()),
                        Some(&(edge + 10).to_string()),
                    ]);
                    rows.push(row, [i64::from(edge == bucket)]);
                }
            }
        }
        let mut rows = rows.grouped(Take::Sum);
        let mut totals: BTreeMap<Vec<String>, i64> = BTreeMap::new();
        for (key, row) in &rows {
            *totals.entry(key[..3].to_vec()).or_default() += count(row, "verifications");
        }
        derive(&mut rows, "check_verifications", |key, _| totals[&key[..3]].to_string());
        Expected {
            report: "check_scores",
            keys: &["provider", "product", "check_name", "bucket_from", "bucket_to"],
            rows,
            rates: vec![("share", "verifications", &["check_verifications"])],
        }
    }
}
