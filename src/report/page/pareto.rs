//! Why verifications did not pass: the most frequent codes as bars, with the share that they make together.

use polars::prelude::DataFrame;
use svg::Node;
use svg::node::element::Path;
use svg::node::element::path::Data;

use super::cells::{Cell, Row, Style, Table, Value, figure, rows};
use super::chart::{Scale, bar, dot, drawing, label, line, mark, round, short, text_of};
use super::content::Figure;

/// Codes with a bar of their own.
const BARS: usize = 15;
const WIDTH: f64 = 760.0;
/// Where names end and counts begin: left of the plot, where the line does not go.
const NAMES: f64 = 254.0;
const LEFT: f64 = 374.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 26.0;
const STEP: f64 = 24.0;

/// A code of a provider that ended with one outcome, over all products.
struct Code {
    /// Provider, result code, error code, outcome.
    key: [String; 4],
    products: Vec<String>,
    text: String,
    count: f64,
}

impl Code {
    fn name(&self) -> String {
        let [provider, code, error, _] = &self.key;
        let words: Vec<&str> = [code, error].iter().map(|text| text.as_str()).filter(|text| !text.is_empty()).collect();
        let words = if words.is_empty() { "no code".to_owned() } else { words.join(" / ") };
        format!("{words} · {provider}")
    }

    fn outcome(&self) -> &str {
        &self.key[3]
    }
}

/// What is drawn of a code, or of all that have no bar of their own.
struct Bar {
    name: String,
    title: String,
    words: String,
    class: &'static str,
    /// Of the bar; of the rest nothing is drawn, it would dwarf the others.
    length: f64,
    count: f64,
}

impl Bar {
    fn of(code: &Code) -> Self {
        let count = figure(code.count, Style::Count);
        let text = if code.text.is_empty() { String::new() } else { format!(" ({})", code.text) };
        let title = format!("{}, {}{text}: {count} {}", code.name(), code.products.join(", "), code.outcome());
        let words = format!("{count} {}", code.outcome());
        Bar { name: code.name(), title, words, class: class(code.outcome()), length: code.count, count: code.count }
    }

    fn of_rest(codes: usize, count: f64) -> Self {
        let (name, words) = (format!("{codes} other codes"), format!("{}, no bar", figure(count, Style::Count)));
        Bar { title: format!("{name}: {words}"), name, words, class: "", length: 0.0, count }
    }
}

/// The chart, or `None` where no code without a pass has a count that is shown. Only shown counts are in it, also in the
/// whole of which shares are taken: a share must not give a withheld count away.
pub fn pareto(frame: &DataFrame) -> Option<Figure> {
    let open = || rows(frame).filter(|row| row.text("outcome") != "passed");
    let withheld = open().filter(|row| row.value("verifications") == Value::Withheld).count();
    let mut codes = codes(open());
    let total: f64 = codes.iter().map(|code| code.count).sum();
    let rest: f64 = codes.iter().skip(BARS).map(|code| code.count).sum();
    let folded = codes.len().saturating_sub(BARS);
    codes.truncate(BARS);
    if total <= 0.0 {
        return None;
    }
    let mut bars: Vec<Bar> = codes.iter().map(Bar::of).collect();
    if folded > 0 {
        bars.push(Bar::of_rest(folded, rest));
    }
    let svg = draw(&bars, total);
    let hidden = match withheld {
        0 => String::new(),
        1 => " 1 row of the report is withheld and in no share.".to_owned(),
        n => format!(" {n} rows of the report are withheld and in no share."),
    };
    let first: f64 = codes.iter().take(3).map(|code| code.count).sum();
    let count = codes.len().min(3);
    let of =
        if withheld > 0 { "verifications without a pass that are shown" } else { "verifications that did not pass" };
    let caption = format!(
        "The {count} most frequent make up {} of the {} {of}. Bars: how many; line: share of these, from the top \
         down.{hidden}",
        figure(first / total, Style::Percent),
        figure(total, Style::Count),
    );
    Some(Figure {
        id: "pareto".to_owned(),
        title: "Codes of verifications without a pass".to_owned(),
        caption,
        svg,
        wide: true,
        folded: false,
        table: Some(table(&codes, total)),
    })
}

/// The shown counts of each code, summed over products, the most frequent first.
fn codes<'a>(rows: impl Iterator<Item = Row<'a>>) -> Vec<Code> {
    let mut codes: Vec<Code> = Vec::new();
    for row in rows {
        let Some(count) = row.number("verifications").filter(|count| *count > 0.0) else { continue };
        let key = ["provider", "result_code", "error_code", "outcome"].map(|name| row.text(name));
        let product = row.name(&["product"]);
        match codes.iter_mut().find(|code| code.key == key) {
            Some(code) => {
                code.count += count;
                code.products.push(product);
            }
            None => codes.push(Code { key, products: vec![product], text: row.text("result_text"), count }),
        }
    }
    codes.sort_by(|a, b| b.count.total_cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    codes
}

fn class(outcome: &str) -> &'static str {
    match outcome {
        "failed" => "failed",
        "unavailable" | "error" => "fault",
        _ => "open",
    }
}

fn draw(bars: &[Bar], total: f64) -> String {
    let largest = bars.iter().map(|bar| bar.length).fold(0.0, f64::max);
    let height = TOP + bars.len() as f64 * STEP + 8.0;
    let x = Scale { low: 0.0, high: largest, from: LEFT, to: LEFT + 0.85 * (WIDTH - RIGHT - LEFT) };
    let share = Scale { low: 0.0, high: 1.0, from: LEFT, to: WIDTH - RIGHT };
    let mut svg = drawing(WIDTH, height, "pareto-caption");
    for percent in [0, 20, 40, 60, 80, 100] {
        let at = share.at(f64::from(percent) / 100.0);
        svg.append(line(if percent == 80 { "grid strong" } else { "grid" }, (at, TOP - 6.0), (at, height - 6.0)));
        svg.append(label("tick middle", at, TOP - 11.0, &format!("{percent} %")));
    }
    let (mut sum, mut data) = (0.0, Data::new());
    let mut dots = Vec::new();
    for (index, of) in bars.iter().enumerate() {
        let (y, end) = (TOP + index as f64 * STEP, x.at(of.length));
        let parts: Vec<Box<dyn Node>> = vec![
            Box::new(bar("field", 0.0, y, WIDTH, STEP)),
            Box::new(label("name end", NAMES, y + 15.0, &short(&of.name, 34))),
            Box::new(bar(of.class, LEFT, y + 4.0, end - LEFT, STEP - 8.0)),
            Box::new(label("start", NAMES + 12.0, y + 15.5, &of.words)),
        ];
        svg.append(mark(&of.title, parts));
        sum += of.count;
        let place = (share.at(sum / total), y + STEP / 2.0);
        let to = (round(place.0) as f32, round(place.1) as f32);
        data = if index == 0 { data.move_to(to) } else { data.line_to(to) };
        let words = format!("{} and those above: {}", of.name, figure(sum / total, Style::Percent));
        dots.push(mark(&words, vec![Box::new(dot("point sum", place.0, place.1, 3.0))]));
    }
    svg.append(Path::new().set("class", "curve sum").set("d", data));
    for dot in dots {
        svg.append(dot);
    }
    text_of(&svg)
}

fn table(codes: &[Code], total: f64) -> Table {
    let heads = [
        ("Provider", false),
        ("Code", false),
        ("Error code", false),
        ("Outcome", false),
        ("Products", false),
        ("Text", false),
        ("Verifications", true),
        ("Share", true),
        ("Together", true),
    ];
    let number = |text: String| Cell { text, number: true, ..Cell::default() };
    let mut sum = 0.0;
    let rows = codes.iter().map(|code| {
        sum += code.count;
        let mut cells: Vec<Cell> = code.key.iter().map(Cell::text).collect();
        cells.extend([Cell::text(code.products.join(", ")), Cell::text(&code.text)]);
        cells.push(number(figure(code.count, Style::Count)));
        cells.extend([code.count / total, sum / total].map(|part| number(figure(part, Style::Percent))));
        cells
    });
    Table::plain("The most frequent codes of verifications without a pass", &heads, rows.collect())
}
