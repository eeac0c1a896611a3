//! What is billed, counted from the decoded records (docs/METRICS.md, "Billing").

use std::cmp::Reverse;

use kycmart::record::Product;

use super::jobs::Seen;
use super::reports::{Asked, Counted, day};
use super::table::{Expected, Rows, Take, beside, key};
use super::verdict::Verification;

/// What one statement says of billing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Paid,
    Yes,
    No,
    Open,
    NoAnswer,
}

fn says(one: &Seen) -> Says {
    let stated = one.stated;
    let entry = one.meaning.entry;
    if stated.pricing_strategy.as_deref() == Some("PAY") {
        return Says::Paid;
    }
    match entry.and_then(|entry| entry.billable.as_deref()) {
        Some("yes") => return Says::Yes,
        Some(_) => return Says::No,
        None => {}
    }
    let told_incomplete = !stated.is_history && stated.job_complete == Some(false);
    let pending = !told_incomplete && entry.is_some_and(|entry| entry.outcome.as_deref() == Some("pending"));
    let nothing = [&stated.result_code, &stated.error_code, &stated.result_text, &stated.withheld_digest];
    if pending || nothing.iter().all(|part| part.is_none()) { Says::NoAnswer } else { Says::Open }
}

/// The verdict on a verification and why.
struct Billed<'a> {
    billing: &'static str,
    basis: &'static str,
    codes: [Option<&'a str>; 2],
    rule: Option<(&'a str, &'a str)>,
}

impl Counted<'_> {
    fn billed(&self, v: &Verification) -> Billed<'_> {
        let members: Vec<&Seen> = v.members.iter().map(|member| &self.seen[*member]).collect();
        let first = |wanted: &[Says]| {
            let some = members.iter().filter(|one| wanted.contains(&says(one)));
            some.min_by_key(|one| {
                let time = (one.own_time().is_none(), one.at.is_none(), one.at);
                (time, Reverse(one.stated.position), &one.stated.payload_key)
            })
        };
        let paid = first(&[Says::Paid, Says::Yes]);
        let unpaid = first(&[Says::No]);
        let open = first(&[Says::Open]);
        let (billing, one) = match (paid, open, unpaid) {
            (Some(paid), ..) => ("billable", paid),
            (None, Some(open), Some(_)) => ("not_known", open),
            (None, None, Some(unpaid)) => ("not_billable", unpaid),
            (None, _, None) => {
                let decided = members.iter().find(|one| {
                    one.stated.payload_key == v.decided_by.payload_key && one.stated.position == v.decided_by.position
                });
                ("not_known", decided.expect("a member decided"))
            }
        };
        let (basis, rule) = match says(one) {
            Says::Paid => ("pricing_strategy", Some(("the answer stated pricingStrategy PAY", "the payload"))),
            Says::Yes | Says::No => ("catalogue", one.meaning.entry.map(|e| (e.meaning.as_str(), e.source.as_str()))),
            Says::Open | Says::NoAnswer => ("none", None),
        };
        Billed { billing, basis, codes: [one.stated.result_code.as_deref(), one.stated.error_code.as_deref()], rule }
    }

    pub fn billing(&self, asked: Asked) -> Expected {
        const COLUMNS: [&str; 4] = ["verifications", "billable", "not_billable", "not_known"];
        let mut rows = Rows::<i64>::new(&COLUMNS);
        for v in self.verifications(asked) {
            let billing = self.billed(v).billing;
            let month = v.first.map(|at| day(at).format("%Y-%m").to_string());
            let row = key([Some(v.provider.word()), v.product.map(Product::word), month.as_deref()]);
            rows.push(row, COLUMNS.map(|column| i64::from(column == "verifications" || column == billing)));
        }
        Expected {
            report: "billing",
            keys: &["provider", "product", "local_month"],
            rows: rows.grouped(Take::Sum),
            rates: Vec::new(),
        }
    }

    pub fn billing_codes(&self, asked: Asked) -> Expected {
        let mut counts = Rows::<i64>::new(&["verifications"]);
        let mut rules = Rows::<Option<&str>>::new(&["rule", "rule_source"]);
        for v in self.verifications(asked) {
            let billed = self.billed(v);
            let month = v.first.map(|at| day(at).format("%Y-%m").to_string());
            let [code, error] = billed.codes;
            let row = key([
                Some(v.provider.word()),
                v.product.map(Product::word),
                month.as_deref(),
                Some(billed.billing),
                Some(billed.basis),
                code,
                error,
            ]);
            counts.push(row.clone(), [1]);
            rules.push(row, [billed.rule.map(|rule| rule.0), billed.rule.map(|rule| rule.1)]);
        }
        Expected {
            report: "billing_codes",
            keys: &["provider", "product", "local_month", "billing", "basis", "answer_code", "answer_error_code"],
            rows: beside(counts.grouped(Take::Sum), rules.grouped(Take::Least)),
            rates: Vec::new(),
        }
    }
}
