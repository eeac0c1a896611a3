//! Output without what differs from run to run.

/// Words that stand for times, identifiers, digests and sizes; blanks are single, so that widths play no part.
pub fn masked(text: &str) -> String {
    let line = |line: &str| {
        let words: Vec<String> =
            line.split_whitespace().map(|word| word_of(word).unwrap_or_else(|| word.to_owned())).collect();
        let mut words: Vec<&str> = words.iter().map(String::as_str).filter(|w| !w.starts_with('─')).collect();
        for at in 1..words.len() {
            if ["B", "KiB", "MiB", "bytes)", "KiB,", "B,"].contains(&words[at])
                && (words[at - 1] == "N" || words[at - 1].parse::<f64>().is_ok())
            {
                words[at - 1] = "SIZE";
            }
        }
        let indent = line.len() - line.trim_start().len();
        format!("{}{}", " ".repeat(indent), words.join(" "))
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn word_of(word: &str) -> Option<String> {
    let core = word.trim_end_matches([',', ')', ':']).trim_start_matches('(');
    let shape: String = core.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let name = if shape.starts_with("99999999T999999999999Z-") {
        "BATCH".to_owned()
    } else if shape.starts_with("9999-99-99T") {
        "TIME".to_owned()
    } else if shape == "9999-99-99" {
        "DATE".to_owned()
    } else if shape == "99:99:99" {
        "TIME".to_owned()
    } else if core == env!("CARGO_PKG_VERSION") {
        "VERSION".to_owned()
    } else if core.contains("part-") && core.ends_with(".parquet") {
        format!("{}part-FILE.parquet", &core[..core.find("part-")?])
    } else if core.len() == 12 && core.bytes().all(|b| b.is_ascii_hexdigit()) {
        "CATALOGUE".to_owned()
    } else if core.len() >= 4 && core.bytes().all(|b| b.is_ascii_digit()) {
        // The code catalogue grows.
        "N".to_owned()
    } else {
        return None;
    };
    Some(word.replace(core, &name))
}
