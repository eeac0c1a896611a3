//! How cells add up: a row's total over its parts, a report over the one that does not break down so far, and two reports
//! over what they have in common, printed or not.
//!
//! Frames (breakdowns) and their intersections are ordered by their attributes; each is linked to the next finer ones, and
//! by chains to all. A limited frame is linked where the limit is one of the common attributes.

use std::collections::BTreeMap;

use super::cells::{Cells, Frame};

/// Adds the cells of common margins that are printed nowhere, and all equations.
pub fn link(cells: &mut Cells) {
    close(cells);
    for coarse in 0..cells.frames.len() {
        for fine in 0..cells.frames.len() {
            if next(&cells.frames, coarse, fine) {
                add_up(cells, coarse, fine);
            }
        }
    }
}

/// Whether the fine frame, summed up, gives cells of the coarse one.
fn sums_to(fine: &Frame, coarse: &Frame) -> bool {
    fine.population == coarse.population
        && coarse.attributes.len() < fine.attributes.len()
        && coarse.attributes.iter().all(|name| fine.attributes.contains(name))
        && fine.only.iter().all(|(name, _)| coarse.attributes.contains(name))
}

/// Whether nothing stands between the two that links them already.
fn next(frames: &[Frame], coarse: usize, fine: usize) -> bool {
    let (coarse, fine) = (&frames[coarse], &frames[fine]);
    let covers = |f: &Frame| f.only.is_empty() || f.only == fine.only;
    let between = |f: &&Frame| sums_to(fine, f) && sums_to(f, coarse) && covers(f);
    sums_to(fine, coarse) && !frames.iter().any(|f| between(&f))
}

/// Adds the intersections of frames until there is no new one. A limited frame that is the intersection of others becomes
/// whole: what it does not print can be summed up.
fn close(cells: &mut Cells) {
    let mut done = 0;
    while done < cells.frames.len() {
        for other in 0..done {
            let (one, two) = (&cells.frames[done], &cells.frames[other]);
            if one.population != two.population {
                continue;
            }
            let attributes = one.attributes.iter().copied().filter(|name| two.attributes.contains(name)).collect();
            let frame = Frame { population: one.population, attributes, only: Vec::new(), cells: BTreeMap::new() };
            if !sums_to(one, &frame) || !sums_to(two, &frame) {
                continue;
            }
            let same = |f: &&mut Frame| f.population == frame.population && f.attributes == frame.attributes;
            match cells.frames.iter_mut().find(same) {
                Some(known) => known.only.clear(),
                None => cells.frames.push(frame),
            }
        }
        done += 1;
    }
    fill(cells);
}

/// Gives frames the cells that are printed nowhere, the finest frame first: any frame that sums to them has the values.
fn fill(cells: &mut Cells) {
    let mut order: Vec<usize> = (0..cells.frames.len()).collect();
    order.sort_by_key(|f| std::cmp::Reverse(cells.frames[*f].attributes.len()));
    for target in order {
        let mut sums: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
        for fine in cells.frames.iter().filter(|fine| sums_to(fine, &cells.frames[target])) {
            for (at, parts) in grouped(fine, &cells.frames[target]) {
                let sum = parts.iter().map(|part| cells.cells[*part].value).sum();
                let known = sums.entry(at).or_insert(sum);
                *known = sum.max(*known);
            }
        }
        sums.retain(|at, _| !cells.frames[target].cells.contains_key(at));
        for (at, sum) in sums {
            let cell = cells.add(sum, false, 6);
            cells.frames[target].cells.insert(at, cell);
        }
    }
}

/// The cells of the fine frame by the values of the coarse one's attributes.
fn grouped(fine: &Frame, coarse: &Frame) -> BTreeMap<Vec<u32>, Vec<usize>> {
    let picks: Vec<usize> =
        coarse.attributes.iter().filter_map(|name| fine.attributes.iter().position(|other| other == name)).collect();
    let mut groups: BTreeMap<Vec<u32>, Vec<usize>> = BTreeMap::new();
    for (at, cell) in &fine.cells {
        groups.entry(picks.iter().map(|pick| at[*pick]).collect()).or_default().push(*cell);
    }
    groups
}

fn add_up(cells: &mut Cells, coarse: usize, fine: usize) {
    let (whole, part) = (&cells.frames[coarse], &cells.frames[fine]);
    let mut found = Vec::new();
    for (at, parts) in grouped(part, whole) {
        if let Some(cell) = whole.cells.get(&at) {
            let mut equation = vec![*cell];
            equation.extend(parts);
            found.push(equation);
        }
    }
    found.into_iter().for_each(|equation| cells.push(equation));
}
