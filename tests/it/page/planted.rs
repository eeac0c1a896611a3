//! A set with planted truth: an outage, a drop, incidents, withheld cells. All of it is invented.

use chrono::NaiveDate;
use kycmart::report::set::{Alert, Disclosure, Facts, Set, Table};
use kycmart::stats::wilson;
use polars::prelude::{Column, DataFrame, DataType, IntoColumn, NamedFrom, Series, TimeUnit, df};

const PROVIDERS: [&str; 3] = ["advance_ai", "jumio", "smile_id"];
/// 2026-09-01.
const FIRST_DAY: i32 = 20_697;

/// How large a set is.
#[derive(Clone, Copy)]
pub struct Size {
    pub days: i32,
    pub authorities: usize,
    pub hours: i64,
}

/// A set for looking at.
pub const SMALL: Size = Size { days: 30, authorities: 34, hours: 60 };

/// The whole set.
pub fn set(size: Size, disclosure: Disclosure) -> Set {
    let mut set = Set { disclosure, facts: facts(size), alerts: alerts(), tables: Vec::new() };
    let frames = [
        ("pass_rates_by_provider", by_provider(size)),
        ("pass_rates_daily", daily(size)),
        ("pass_rates_by_id_type", by_id_type(size)),
        ("error_codes", error_codes()),
        ("authority_hourly", hourly(size)),
        ("authority_incidents", incidents(size)),
        ("drift", drift()),
        ("drift_mix", mix()),
        ("open_cases", open_cases()),
        ("data_quality", quality()),
        ("rejects", rejects()),
    ];
    for (name, frame) in frames {
        set.tables.push(Table { name: name.to_owned(), spec: None, frame: disclosed(frame, disclosure) });
    }
    set
}

/// With the last column; in circulation the last row of every report has its counts and rates withheld.
fn disclosed(mut frame: DataFrame, disclosure: Disclosure) -> DataFrame {
    let rows = frame.height();
    let mut words = vec![disclosure.folder().to_owned(); rows];
    if disclosure == Disclosure::Circulation && rows > 1 {
        let numbers: Vec<String> = frame
            .columns()
            .iter()
            .filter(|c| matches!(c.dtype(), DataType::Int64 | DataType::Float64) && c.name() != "window_index")
            .map(|c| c.name().to_string())
            .collect();
        if let Some(word) = words.last_mut() {
            *word = format!("circulation; withheld: {}", numbers.join(" "));
        }
    }
    frame.with_column(Series::new("disclosure".into(), words).into_column()).unwrap();
    frame
}

fn facts(size: Size) -> Facts {
    Facts {
        newest_us: None,
        from: NaiveDate::from_epoch_days(FIRST_DAY),
        to: NaiveDate::from_epoch_days(FIRST_DAY + size.days - 1),
        time_zone: "Africa/Lagos".to_owned(),
        include_sandbox: false,
        catalogue_version: "2026.11".to_owned(),
        tool_version: "0.1.0".to_owned(),
        threshold: 10,
        online_from: 0.91,
        offline_to: 0.5,
    }
}

fn alerts() -> Vec<Alert> {
    let alert = |rule, severity, subject: &str, message: &str, report| Alert {
        rule,
        severity,
        subject: subject.to_owned(),
        message: message.to_owned(),
        report,
    };
    vec![
        alert("backlog", "warning", "smile_id", "41 cases wait for longer than three days.", "open_cases"),
        alert(
            "availability",
            "critical",
            "advance_ai · ZA · TYPE_003",
            "offline for 7 hours, 412 of 520 lookups lost.",
            "authority_incidents",
        ),
    ]
}

/// Wavy, without chance.
fn wave(seed: i64) -> i64 {
    (seed * 7919 + seed * seed * 31) % 23
}

fn dates(numbers: Vec<i32>) -> Column {
    Series::new("local_date".into(), numbers).cast(&DataType::Date).unwrap().into_column()
}

fn times(name: &str, hours: Vec<i64>) -> Column {
    let micros: Vec<i64> = hours.iter().map(|hour| hour * 3_600_000_000).collect();
    let series = Series::new(name.into(), micros);
    series.cast(&DataType::Datetime(TimeUnit::Microseconds, None)).unwrap().into_column()
}

/// A column from how many passed and how many failed.
type Of = fn(i64, i64) -> i64;

fn add_outcomes(frame: &mut DataFrame, counts: &[(i64, i64)]) {
    let columns: [(&str, Of); 10] = [
        ("verifications", |p, f| p + f + 9),
        ("passed", |p, _| p),
        ("failed", |_, f| f),
        ("review", |_, _| 2),
        ("incomplete", |_, _| 1),
        ("unavailable", |_, _| 2),
        ("error", |_, _| 1),
        ("pending", |_, _| 3),
        ("unknown", |_, _| 0),
        ("decided", |p, f| p + f),
    ];
    for (name, of) in columns {
        let values: Vec<i64> = counts.iter().map(|(passed, failed)| of(*passed, *failed)).collect();
        frame.with_column(Series::new(name.into(), values).into_column()).unwrap();
    }
    let bounds = |(passed, failed): &(i64, i64)| wilson(*passed as u64, (*passed + *failed) as u64).unwrap();
    let rates: [(&str, Vec<f64>); 3] = [
        ("pass_rate", counts.iter().map(|(p, f)| *p as f64 / (*p + *f) as f64).collect()),
        ("pass_rate_low", counts.iter().map(|pair| bounds(pair).0).collect()),
        ("pass_rate_high", counts.iter().map(|pair| bounds(pair).1).collect()),
    ];
    for (name, values) in rates {
        frame.with_column(Series::new(name.into(), values).into_column()).unwrap();
    }
}

fn by_provider(size: Size) -> DataFrame {
    let mut frame = df!("provider" => PROVIDERS).unwrap();
    let days = i64::from(size.days);
    add_outcomes(&mut frame, &[(64 * days, 13 * days), (41 * days, 9 * days), (230 * days, 47 * days)]);
    frame
}

/// smile_id falls by about ten points in the last five days.
fn daily(size: Size) -> DataFrame {
    let (mut days, mut providers, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for day in 0..size.days {
        for (index, provider) in PROVIDERS.iter().enumerate() {
            let base = [80, 50, 280][index] + wave(i64::from(day) + index as i64);
            let drop = if *provider == "smile_id" && day >= size.days - 5 { base / 10 } else { 0 };
            let failed = base * 17 / 100 + wave(i64::from(day) * 3) / 4 + drop;
            days.push(FIRST_DAY + day);
            providers.push(*provider);
            counts.push((base - failed, failed));
        }
    }
    let mut frame =
        DataFrame::new(days.len(), vec![dates(days), Series::new("provider".into(), providers).into_column()]).unwrap();
    add_outcomes(&mut frame, &counts);
    frame
}

/// Provider, country and ID type of an authority.
fn authority(index: usize) -> (&'static str, &'static str, String) {
    let country = ["NG", "KE", "GH", "ZA", "UG"][index % 5];
    (PROVIDERS[2 - index % 2 * 2], country, format!("TYPE_{index:03}"))
}

fn authorities(indices: &[usize]) -> DataFrame {
    let names: Vec<_> = indices.iter().map(|index| authority(*index)).collect();
    df!(
        "provider" => names.iter().map(|name| name.0).collect::<Vec<_>>(),
        "country" => names.iter().map(|name| name.1).collect::<Vec<_>>(),
        "id_type" => names.iter().map(|name| name.2.as_str()).collect::<Vec<_>>(),
    )
    .unwrap()
}

fn by_id_type(size: Size) -> DataFrame {
    let mut frame = authorities(&(0..size.authorities).collect::<Vec<_>>());
    let counts =
        (0..size.authorities as i64).map(|index| (4000 / (index + 1) + 12 + wave(index), 700 / (index + 1) + 2));
    add_outcomes(&mut frame, &counts.collect::<Vec<_>>());
    frame
}

fn error_codes() -> DataFrame {
    let codes: Vec<String> = (0..24).map(|index| format!("{}", 1013 + index)).collect();
    df!(
        "provider" => (0..24).map(|index| PROVIDERS[index % 3]).collect::<Vec<_>>(),
        "product" => vec!["enhanced_kyc"; 24],
        "result_code" => codes.iter().map(String::as_str).collect::<Vec<_>>(),
        "error_code" => (0..24).map(|index| (index % 4 == 1).then_some("NUMBER_NOT_EXIST")).collect::<Vec<_>>(),
        "outcome" => (0..24).map(|i| ["failed", "failed", "unavailable", "review"][i % 4]).collect::<Vec<_>>(),
        "result_text" => vec!["No match"; 24],
        "verifications" => (0..24i64).map(|index| 900 / (index + 1) + 11).collect::<Vec<_>>(),
        "product_verifications" => vec![7000i64; 24],
    )
    .unwrap()
}

/// TYPE_003 is offline for seven hours, from the 12th to the 6th before the last; every ninth authority wavers.
fn hourly(size: Size) -> DataFrame {
    let end = i64::from(FIRST_DAY + size.days) * 24;
    let (mut indices, mut windows, mut status, mut rates, mut lookups) = (vec![], vec![], vec![], vec![], vec![]);
    for index in 0..size.authorities {
        for window in (end - size.hours) * 6..end * 6 {
            let hour = window / 6;
            if index != 3 && wave(hour + index as i64) == 5 {
                continue;
            }
            let (word, rate) = match end - hour {
                6..=12 if index == 3 => ("offline", 0.18),
                n if index % 9 == 4 && wave(n) > 17 => ("interruption", 0.8),
                _ => ("online", 0.98),
            };
            indices.push(index);
            windows.push(window);
            status.push(word);
            rates.push(rate);
            lookups.push(40 + wave(hour));
        }
    }
    let mut frame = authorities(&indices);
    for column in [
        Series::new("window_index".into(), windows),
        Series::new("status".into(), status),
        Series::new("availability".into(), rates),
        Series::new("lookups".into(), lookups),
    ] {
        frame.with_column(column.into_column()).unwrap();
    }
    frame
}

fn incidents(size: Size) -> DataFrame {
    let end = i64::from(FIRST_DAY + size.days) * 24;
    let mut frame = authorities(&[3, 4, 13, 22]);
    let columns = [
        times("began", vec![end - 12, end - 1, end - 300, end - 411]),
        times("ended", vec![end - 5, end, end - 298, end - 410]),
        Series::new("minutes".into(), [420i64, 60, 120, 60]).into_column(),
        Series::new("lowest_availability".into(), [0.18, 0.8, 0.4, 0.7]).into_column(),
        Series::new("lookups".into(), [520i64, 44, 90, 61]).into_column(),
        Series::new("lost".into(), [412i64, 12, 51, 18]).into_column(),
        Series::new("still_open".into(), [false, true, false, false]).into_column(),
        Series::new("declared".into(), [true, false, false, true]).into_column(),
        Series::new("declared_lag_minutes".into(), [Some(35i64), None, None, Some(-4)]).into_column(),
    ];
    for column in columns {
        frame.with_column(column).unwrap();
    }
    frame
}

fn drift() -> DataFrame {
    df!(
        "metric" => ["pass_rate", "code_share", "pass_rate"],
        "provider" => ["smile_id", "smile_id", "jumio"],
        "product" => ["enhanced_kyc", "enhanced_kyc", "netverify"],
        "country" => [Some("NG"), Some("NG"), None],
        "id_type" => ["TYPE_003", "TYPE_003", "PASSPORT"],
        "result_code" => [None, Some("1015"), None],
        "recent_rate" => [0.741, 0.071, 0.82],
        "baseline_rate" => [0.832, 0.011, 0.821],
        "change" => [-0.091, 0.06, -0.001],
        "q_value" => [0.00004, 0.0021, 0.93],
        "flagged" => [true, true, false],
        "direction" => ["down", "up", "down"],
    )
    .unwrap()
}

fn mix() -> DataFrame {
    df!(
        "provider" => ["smile_id", "smile_id"],
        "product" => [Some("enhanced_kyc"), None],
        "is_total" => [false, true],
        "change" => [-0.05, -0.021],
        "within_effect" => [-0.01, -0.017],
        "mix_effect" => [0.0, -0.004],
    )
    .unwrap()
}

fn open_cases() -> DataFrame {
    df!(
        "provider" => vec!["smile_id"; 4],
        "product" => vec!["biometric_kyc"; 4],
        "outcome" => ["review", "review", "pending", "pending"],
        "age" => ["under 1 h", "1 to 3 d", "under 1 h", "over 7 d"],
        "cases" => [31i64, 12, 55, 11],
    )
    .unwrap()
}

fn quality() -> DataFrame {
    df!(
        "provider" => [Some("smile_id"), Some("jumio"), None],
        "measure" => ["duplicate_payloads", "late_payloads", "rejected_payloads"],
        "counted" => [120i64, 14, 12],
        "out_of" => [9000i64, 2100, 11_112],
        "share" => [0.0133, 0.0067, 0.0011],
    )
    .unwrap()
}

fn rejects() -> DataFrame {
    df!("provider" => [None, Some("jumio")], "reason" => ["not JSON", "truncated"], "payloads" => [14i64, 11], "bytes" => [90_120i64, 1204])
        .unwrap()
}
