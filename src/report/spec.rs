//! What every column of a report is, so that suppression, workbook and page treat it alike.
//!
//! Not here: how a figure is computed (`queries/`, the finishers) or withheld (`suppress`). A report of the user's own
//! folder has no specification: nobody can say which of its cells count people, so it is never in circulation.

/// What a column says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Identifies the row; together with the other keys it is unique.
    Key,
    /// Counts people or what they did, so a small number may point to somebody.
    Count(Counted),
    /// The sum of other columns of the same row.
    Sum(&'static [&'static str]),
    /// Computed from other columns of the same row: a rate, a bound, a duration. Withheld with any of them.
    From(&'static [&'static str]),
    /// Says nothing about how many: a boundary, a word, a rule.
    Plain,
    /// Never in circulation: file names, counts of ten minutes.
    Internal,
}

/// Which members of which population a cell counts. Cells of one population with the same keys and conditions are equal
/// in every report, and a population's cells add up over every key that a report breaks down by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// `verifications`, `lookups`, …; reports of the same population share their margins.
    pub population: &'static str,
    /// What the column itself fixes: `passed` is `outcome = passed`.
    pub when: &'static [(&'static str, &'static str)],
    /// The keys that the cell is broken down by, if not by all of its row: a product's total beside one of its codes.
    pub keys: Option<&'static [&'static str]>,
    /// The row's column of which it is a part, if the other parts have no columns: the rest counts people too.
    pub part_of: Option<&'static str>,
}

/// A report as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The name of its files and of its SQL.
    pub name: &'static str,
    /// For people: the heading of its sheet and table.
    pub title: &'static str,
    pub columns: Vec<(&'static str, Role)>,
    /// Where the report covers a part of its population only: the key and the values it is limited to.
    pub only: &'static [(&'static str, &'static [&'static str])],
    /// Its rows are in the order of figures, so that a row's place tells something of them.
    pub ranked: bool,
    /// Has a row per ten minutes and authority: too long to be held beside the others.
    pub long: bool,
}

/// The eight outcomes, in the order of their columns.
pub const OUTCOMES: [&str; 8] =
    ["passed", "failed", "review", "incomplete", "unavailable", "error", "pending", "unknown"];

impl Spec {
    /// A report without columns yet.
    pub fn new(name: &'static str, title: &'static str) -> Self {
        Spec { name, title, columns: Vec::new(), only: &[], ranked: false, long: false }
    }

    /// Adds columns of one role.
    #[must_use]
    pub fn with(mut self, role: &Role, names: &[&'static str]) -> Self {
        self.columns.extend(names.iter().map(|name| (*name, role.clone())));
        self
    }

    /// Adds key columns.
    #[must_use]
    pub fn keys(self, names: &[&'static str]) -> Self {
        self.with(&Role::Key, names)
    }

    /// Adds one column that counts a part of a population.
    #[must_use]
    pub fn count(
        self,
        name: &'static str,
        population: &'static str,
        when: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.with(&Role::Count(Counted { population, when, keys: None, part_of: None }), &[name])
    }

    /// Adds one column that counts more than its row: the part of a population that some of the row's keys name.
    #[must_use]
    pub fn count_by(self, name: &'static str, population: &'static str, keys: &'static [&'static str]) -> Self {
        self.with(&Role::Count(Counted { population, when: &[], keys: Some(keys), part_of: None }), &[name])
    }

    /// Says of the column added last that it is a part of another of its row, and that the rest has no column.
    #[must_use]
    pub fn part_of(mut self, whole: &'static str) -> Self {
        if let Some((_, Role::Count(counted))) = self.columns.last_mut() {
            counted.part_of = Some(whole);
        }
        self
    }

    /// Says that the report covers only these values of a key.
    #[must_use]
    pub fn only(mut self, only: &'static [(&'static str, &'static [&'static str])]) -> Self {
        self.only = only;
        self
    }

    /// Adds `verifications` and a column per outcome.
    #[must_use]
    pub fn outcomes(self) -> Self {
        const WHEN: [&[(&str, &str)]; 8] = [
            &[("outcome", "passed")],
            &[("outcome", "failed")],
            &[("outcome", "review")],
            &[("outcome", "incomplete")],
            &[("outcome", "unavailable")],
            &[("outcome", "error")],
            &[("outcome", "pending")],
            &[("outcome", "unknown")],
        ];
        let whole = self.count("verifications", "verifications", &[]);
        OUTCOMES.iter().zip(WHEN).fold(whole, |spec, (name, when)| spec.count(name, "verifications", when))
    }

    /// Adds `decided` and the pass rate with its bounds.
    #[must_use]
    pub fn pass_rate(self) -> Self {
        self.with(&Role::Sum(&["passed", "failed"]), &["decided"])
            .from(&["passed", "failed"], &["pass_rate", "pass_rate_low", "pass_rate_high"])
    }

    /// Adds columns that are computed from others.
    #[must_use]
    pub fn from(self, others: &'static [&'static str], names: &[&'static str]) -> Self {
        self.with(&Role::From(others), names)
    }

    /// Marks a report whose rows are in the order of figures.
    #[must_use]
    pub fn ranked(mut self) -> Self {
        self.ranked = true;
        self
    }

    /// Marks a report that is written and let go.
    #[must_use]
    pub fn long(mut self) -> Self {
        self.long = true;
        self
    }

    /// The role of a column; `None` for one that is not specified.
    pub fn role(&self, column: &str) -> Option<&Role> {
        self.columns.iter().find(|(name, _)| *name == column).map(|(_, role)| role)
    }
}

const PLACE: [&str; 3] = ["example_source", "example_offset", "example_index"];
const AUTHORITY: [&str; 3] = ["provider", "country", "id_type"];

/// All reports that ship with the program, in the order of their sheets.
pub fn specs() -> Vec<Spec> {
    let mut specs = rates();
    specs.extend(drifts());
    specs.extend(windows());
    specs.extend(authorities());
    specs.extend(courses());
    specs.extend(quality());
    specs.extend(checks_and_billing());
    specs
}

/// The specification of a report, if it ships with the program.
pub fn spec(name: &str) -> Option<Spec> {
    specs().into_iter().find(|spec| spec.name == name)
}

fn rates() -> Vec<Spec> {
    vec![
        Spec::new("pass_rates_by_provider", "Pass rates by provider")
            .keys(&["provider"])
            .outcomes()
            .count("ambiguous_observations", "observations_ambiguous", &[])
            .count("unattributed_observations", "observations_unattributed", &[])
            .pass_rate(),
        Spec::new("pass_rates_by_product", "Pass rates by product")
            .keys(&["provider", "product"])
            .outcomes()
            .pass_rate(),
        Spec::new("pass_rates_by_id_type", "Pass rates by ID type").keys(&AUTHORITY).outcomes().pass_rate(),
        Spec::new("pass_rates_daily", "Pass rates by day").keys(&["local_date", "provider"]).outcomes().pass_rate(),
        Spec::new("error_codes", "Result and error codes")
            .keys(&["provider", "product", "result_code", "error_code", "outcome"])
            .with(&Role::Plain, &["result_text"])
            .count("verifications", "verifications", &[])
            .count_by("product_verifications", "verifications", &["provider", "product"])
            .from(&["verifications", "product_verifications"], &["share", "share_low", "share_high"])
            .ranked(),
    ]
}

/// Which segment changed may circulate, how much may not: the periods lie inside of the days that `pass_rates_daily` shows,
/// the effects of a segment hold sums over all others, and a q-value may be the p-value of another row.
fn drifts() -> Vec<Spec> {
    const SEGMENT: [&str; 4] = ["provider", "product", "country", "id_type"];
    vec![
        Spec::new("drift", "What changed against the weeks before")
            .keys(&["metric"])
            .keys(&SEGMENT)
            .keys(&["result_code", "error_code"])
            .with(&Role::Plain, &["recent_from", "recent_to", "baseline_from", "baseline_to"])
            .with(&Role::Internal, &["recent_hits", "recent_n", "baseline_hits", "baseline_n"])
            .with(&Role::Internal, &["recent_rate", "baseline_rate", "change", "change_low", "change_high"])
            .with(&Role::Internal, &["z", "p_value", "q_value", "test", "tested"])
            .with(&Role::Plain, &["flagged", "direction"])
            .ranked(),
        Spec::new("drift_mix", "Change within segments and change of their mix")
            .keys(&SEGMENT)
            .keys(&["is_total"])
            .with(&Role::Internal, &["recent_passed", "recent_decided", "baseline_passed", "baseline_decided"])
            .with(&Role::Internal, &["recent_rate", "baseline_rate", "change", "recent_weight", "baseline_weight"])
            .with(&Role::Internal, &["within_effect", "mix_effect", "overall_within_effect", "overall_mix_effect"])
            .ranked(),
    ]
}

/// By ten minutes.
fn windows() -> Vec<Spec> {
    vec![
        Spec::new("authority_windows", "Availability by ten minutes")
            .keys(&AUTHORITY)
            .with(&Role::Key, &["window_index", "window_start"])
            .with(&Role::Internal, &["answered", "unavailable", "ambiguous", "lookups"])
            .with(&Role::Plain, &["async_only", "status"])
            .with(&Role::Internal, &["availability", "availability_low", "availability_high", "indicative"])
            .long(),
        Spec::new("authority_hourly", "Availability by rolling hour")
            .keys(&AUTHORITY)
            .with(&Role::Key, &["window_index", "hour_end"])
            .with(&Role::Internal, &["answered", "unavailable", "ambiguous", "lookups", "windows"])
            .with(&Role::Plain, &["async_only", "status"])
            .with(&Role::Internal, &["availability", "availability_low", "availability_high", "indicative"])
            .long(),
    ]
}

fn authorities() -> Vec<Spec> {
    vec![
        Spec::new("authority_daily", "Availability by day")
            .with(&Role::Key, &["local_date"])
            .keys(&AUTHORITY)
            .count("answered", "lookups", &[("signal", "answered")])
            .count("unavailable", "lookups", &[("signal", "unavailable")])
            .count("ambiguous", "lookups", &[("signal", "ambiguous")])
            .count("lookups", "lookups", &[])
            .from(&["lookups"], &["windows"])
            .with(&Role::Internal, &["windows_online", "windows_interruption", "windows_offline", "windows_async_only"])
            .from(&["answered", "unavailable"], &["windows_with_evidence"])
            .with(&Role::Plain, &["windows_of_day"])
            .from(&["lookups"], &["windows_no_data"])
            .from(&["answered", "unavailable"], &["time_availability", "status"])
            .from(
                &["answered", "unavailable"],
                &["availability", "availability_low", "availability_high", "indicative"],
            ),
        Spec::new("authority_incidents", "Incidents")
            .keys(&AUTHORITY)
            .with(&Role::Key, &["began"])
            .with(&Role::Plain, &["ended", "minutes", "windows", "windows_no_data"])
            .with(&Role::Internal, &["lowest_availability"])
            .count("lookups", "incident_lookups", &[])
            .count("lost", "incident_lookups", &[("signal", "unavailable")])
            .part_of("lookups")
            .count("ambiguous", "incident_lookups", &[("signal", "ambiguous")])
            .with(&Role::Plain, &["async_only", "still_open", "declared", "declared_first", "declared_lag_minutes"])
            .with(&Role::Plain, &["declared_level"]),
        Spec::new("authority_reliability", "Reliability by month")
            .with(&Role::Key, &["month"])
            .keys(&AUTHORITY)
            .with(&Role::Plain, &["incidents", "minutes_down", "mean_minutes_to_recovery", "mean_minutes_between"])
            .with(&Role::Plain, &["windows"])
            .from(&["answered", "unavailable"], &["windows_no_data", "no_data_share"])
            .count("answered", "lookups", &[("signal", "answered")])
            .count("unavailable", "lookups", &[("signal", "unavailable")])
            .with(&Role::Plain, &["target"])
            .from(&["answered", "unavailable"], &["target_used"])
            .from(&["answered", "unavailable"], &["availability", "availability_low", "availability_high"]),
        Spec::new("declared_vs_observed", "Declared beside observed")
            .keys(&["provider", "environment", "country", "id_type", "declared_level", "observed_status"])
            .with(&Role::Plain, &["checks", "authority_checks"])
            .count("lookups", "lookups_at_checks", &[])
            .from(&["lookups"], &["compared"])
            .with(&Role::Plain, &["share"])
            .from(&["lookups"], &["mean_difference"]),
        Spec::new("authority_declared", "Availability as declared")
            .keys(&["provider", "environment", "country", "id_type"])
            .with(&Role::Plain, &["declarations", "online", "interruption", "offline", "other"])
            .with(&Role::Plain, &["first_checked", "last_checked", "last_status", "lowest_success_rate"]),
    ]
}

/// How verifications and people go on in time.
fn courses() -> Vec<Spec> {
    vec![
        Spec::new("time_to_final", "Time until the decision")
            .keys(&["provider", "product", "channel", "outcome"])
            .only(&[("outcome", &["passed", "failed"])])
            .count("verifications", "verifications", &[])
            .count("timed", "verifications", &[("timed", "yes")])
            .count("at_once", "verifications", &[("timed", "yes"), ("at_once", "yes")])
            .part_of("timed")
            .count("undated", "verifications", &[("timed", "no")])
            .from(&["timed", "at_once"], &["p50_seconds", "p90_seconds"])
            .with(&Role::Internal, &["p99_seconds", "longest_seconds"])
            .count("from_request", "verifications", &[("request", "known")])
            .part_of("verifications")
            .from(&["from_request"], &["request_p50_seconds", "request_p90_seconds"])
            .with(&Role::Internal, &["request_p99_seconds", "request_longest_seconds"]),
        Spec::new("open_cases", "Open cases by age")
            .keys(&["provider", "product", "outcome", "age_order", "age"])
            .only(&[("outcome", &["review", "pending"])])
            .count("cases", "verifications", &[])
            .with(&Role::Internal, &["oldest"])
            .with(&Role::Plain, &["as_of"]),
        Spec::new("retries", "What became of people without a pass")
            .keys(&["provider", "product", "first_outcome"])
            .count("people", "people", &[])
            .count("people_with_retry", "people", &[("retry", "yes")])
            .part_of("people")
            .from(&["people_with_retry"], &["attempts"])
            .count("passed_later", "people", &[("retry", "yes"), ("passed", "yes")])
            .part_of("people_with_retry")
            .from(&["passed_later"], &["passed_dated", "p50_seconds", "p90_seconds"])
            .from(&["passed_later", "people"], &["share_passed_later"])
            .from(&["passed_later", "people"], &["share_passed_later_low", "share_passed_later_high"]),
    ]
}

fn quality() -> Vec<Spec> {
    vec![
        // Its measures count what other reports break down, so that one of them could give a withheld cell away.
        Spec::new("data_quality", "Data quality")
            .keys(&["provider", "measure"])
            .with(&Role::Internal, &["counted", "out_of", "share"]),
        Spec::new("receipts_coverage", "Receipts by product")
            .keys(&["provider", "product", "outcome"])
            .only(&[("provider", &["smile_id"]), ("outcome", &["passed", "failed"])])
            .with(&Role::Plain, &["expected"])
            .count("verifications", "verifications", &[])
            .count("with_receipt", "verifications", &[("receipt", "yes")])
            .count("without_receipt", "verifications", &[("receipt", "no")])
            .from(&["with_receipt", "verifications"], &["coverage", "coverage_low", "coverage_high"]),
        Spec::new("submissions", "Refused and accepted requests")
            .keys(&["provider", "code", "accepted", "message"])
            .count("answers", "submissions", &[]),
        Spec::new("rejects", "Payloads that could not be read")
            .keys(&["provider", "reason"])
            .count("payloads", "rejects", &[])
            .from(&["payloads"], &["bytes"])
            .with(&Role::Internal, &PLACE),
        Spec::new("unknown_codes", "Codes that the catalogue does not hold")
            .keys(&["provider", "product", "result_code", "error_code"])
            .count("observations", "observations_unknown", &[])
            .from(&["observations"], &["verifications", "withheld_texts", "first_seen", "last_seen"])
            .with(&Role::Internal, &PLACE),
        Spec::new("unknown_fields", "Fields that no document names")
            .keys(&["provider", "kind", "shape", "field"])
            .count("payloads", "payloads_with_field", &[])
            .from(&["payloads"], &["first_seen", "last_seen"])
            .with(&Role::Internal, &PLACE),
        Spec::new("inputs", "What comes in")
            .keys(&["provider", "kind", "partner"])
            .count("payloads_newest_day", "payloads_newest_day", &[])
            .count("payloads_28_days_before", "payloads_28_days_before", &[])
            .from(&["payloads_28_days_before"], &["days_with_payloads"])
            .with(&Role::Plain, &["last_payload", "usual", "silent"]),
    ]
}

/// Shares of checks stay inside: with a total beside them one hidden result would follow from the others.
fn checks_and_billing() -> Vec<Spec> {
    const SHARE: [&str; 4] = ["check_verifications", "share", "share_low", "share_high"];
    vec![
        Spec::new("checks", "Results of named checks")
            .keys(&["provider", "product", "check_name", "reason", "result", "detail"])
            .count("verifications", "check_results", &[])
            .with(&Role::Internal, &["product_verifications"])
            .with(&Role::Internal, &SHARE),
        Spec::new("check_scores", "Scores of liveness and similarity")
            .keys(&["provider", "product", "check_name", "bucket_from"])
            .with(&Role::Plain, &["bucket_to"])
            .count("verifications", "scores", &[])
            .with(&Role::Internal, &SHARE),
        Spec::new("billing", "What is billed")
            .keys(&["provider", "product", "local_month"])
            .count("verifications", "verifications", &[])
            .count("billable", "verifications", &[("billing", "billable")])
            .count("not_billable", "verifications", &[("billing", "not_billable")])
            .count("not_known", "verifications", &[("billing", "not_known")]),
        Spec::new("billing_codes", "What is billed, by code and rule")
            .keys(&["provider", "product", "local_month", "billing", "basis", "answer_code", "answer_error_code"])
            .with(&Role::Plain, &["rule", "rule_source"])
            .count("verifications", "verifications", &[]),
        Spec::new("billing_invoice", "The invoice and what was counted")
            .keys(&["provider", "product", "local_month"])
            .with(&Role::Internal, &["invoiced", "billable_min", "billable_max", "difference", "verdict", "amount"]),
    ]
}
