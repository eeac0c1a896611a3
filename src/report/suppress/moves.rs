//! Chooses what is withheld besides the small counts, and proves for every withheld cell that it cannot be computed back.
//!
//! The proof is a **move**: withheld cells, some raised and some lowered by the same amount, so that every equation still
//! holds. It shows that figures other than the true ones fit everything that is printed. No combination of equations, of
//! whatever number, can then determine a cell of the move. Cells in a move need `ROOM`, counting all amounts by which it
//! can be made up and down while every withheld cell stays at least 1: a reader may know that zero is not withheld.
//! A move is sought that withholds as little more as possible. Where none is found, all cells that hang together by
//! equations are withheld; then they may all be multiples of what they are. What is withheld later spoils no move.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::cells::Cells;

/// A withheld cell can have at least this many values besides its own.
pub const ROOM: u64 = 3;

/// How much it matters that a move withholds little rather than that it is short, in quarters: tried in this order.
const THRIFT: [u64; 3] = [4, 1, 0];

/// Half-made moves that are looked at before all is withheld.
const PATIENCE: usize = 30_000;

/// For every cell, whether it is withheld. Cells that are printed nowhere count as withheld.
pub fn withhold(cells: &Cells, threshold: u64) -> Vec<bool> {
    let search = Search::new(cells);
    let mut withheld: Vec<bool> =
        cells.cells.iter().map(|cell| !cell.printed || (1..threshold).contains(&cell.value)).collect();
    let mut safe = vec![false; withheld.len()];
    for cell in 0..withheld.len() {
        let is = &cells.cells[cell];
        let guarded = is.printed || is.rest && (1..threshold).contains(&is.value);
        if !withheld[cell] || safe[cell] || !guarded {
            continue;
        }
        let found = THRIFT.iter().find_map(|thrift| search.find(cell, &withheld, *thrift));
        let together = found.unwrap_or_else(|| search.component(cell));
        for cell in together {
            withheld[cell] = true;
            safe[cell] = true;
        }
    }
    withheld
}

/// A move that is being made.
#[derive(Clone, Debug)]
struct Half {
    /// Cells and whether they are raised.
    changes: Vec<(usize, bool)>,
    /// Equations that do not hold yet, and by how much parts exceed the whole.
    open: Vec<(usize, i64)>,
    /// By how much the move can be made as it is, and the other way round.
    forth: u64,
    back: u64,
    cost: u64,
}

struct Search<'a> {
    cells: &'a Cells,
    /// Per cell, its equations and what it adds there: −1 as the whole, 1 as a part.
    member: Vec<Vec<(usize, i64)>>,
}

impl<'a> Search<'a> {
    fn new(cells: &'a Cells) -> Self {
        let mut member = vec![Vec::new(); cells.cells.len()];
        for (index, equation) in cells.equations.iter().enumerate() {
            for (place, cell) in equation.iter().enumerate() {
                member[*cell].push((index, if place == 0 { -1 } else { 1 }));
            }
        }
        Search { cells, member }
    }

    /// The cells of the move with the cell in it that withholds least.
    fn find(&self, cell: usize, withheld: &[bool], thrift: u64) -> Option<Vec<usize>> {
        let start = Half { changes: Vec::new(), open: Vec::new(), forth: u64::MAX, back: u64::MAX, cost: 0 };
        let first = self.extend(&start, cell, true, withheld)?;
        let mut heap = BinaryHeap::from([(Reverse(score(&first, thrift)), Reverse(0))]);
        let mut halves = vec![Some(first)];
        for _ in 0..PATIENCE {
            let (_, Reverse(next)) = heap.pop()?;
            let half = halves[next].take()?;
            let Some((equation, excess)) = self.narrowest(&half) else {
                return Some(half.changes.into_iter().map(|(cell, _)| cell).collect());
            };
            for (place, candidate) in self.cells.equations[equation].iter().enumerate() {
                if half.changes.iter().any(|(cell, _)| cell == candidate) {
                    continue;
                }
                let raised = (excess < 0) == (place > 0);
                if let Some(longer) = self.extend(&half, *candidate, raised, withheld) {
                    heap.push((Reverse(score(&longer, thrift)), Reverse(halves.len())));
                    halves.push(Some(longer));
                }
            }
        }
        None
    }

    /// The open equation with the fewest cells: it leaves the least choice.
    fn narrowest(&self, half: &Half) -> Option<(usize, i64)> {
        half.open.iter().min_by_key(|(equation, _)| (self.cells.equations[*equation].len(), *equation)).copied()
    }

    /// The move with one more cell; `None` where that leaves too little room.
    fn extend(&self, half: &Half, cell: usize, raised: bool, withheld: &[bool]) -> Option<Half> {
        let is = &self.cells.cells[cell];
        let spare = if is.printed || is.rest { is.value - 1 } else { u64::MAX };
        let (forth, back) =
            if raised { (half.forth, half.back.min(spare)) } else { (half.forth.min(spare), half.back) };
        if forth.saturating_add(back) < ROOM {
            return None;
        }
        let mut longer = Half { forth, back, ..half.clone() };
        longer.changes.push((cell, raised));
        if !withheld[cell] {
            longer.cost += 4 + 2 * u64::from(is.value.ilog2()) + is.dear;
        }
        for (equation, adds) in &self.member[cell] {
            let change = if raised { *adds } else { -*adds };
            match longer.open.iter().position(|(open, _)| open == equation) {
                Some(at) if longer.open[at].1 + change == 0 => {
                    longer.open.swap_remove(at);
                }
                Some(at) => longer.open[at].1 += change,
                None => longer.open.push((*equation, change)),
            }
        }
        Some(longer)
    }

    /// Everything that hangs together with a cell.
    fn component(&self, cell: usize) -> Vec<usize> {
        let mut seen = vec![false; self.member.len()];
        let mut found = vec![cell];
        seen[cell] = true;
        let mut next = 0;
        while next < found.len() {
            for (equation, _) in &self.member[found[next]] {
                for other in &self.cells.equations[*equation] {
                    if !std::mem::replace(&mut seen[*other], true) {
                        found.push(*other);
                    }
                }
            }
            next += 1;
        }
        found
    }
}

/// What has been withheld for a half-made move, and a guess at what is to come.
fn score(half: &Half, thrift: u64) -> u64 {
    half.cost * thrift / 4 + half.changes.len() as u64 + 4 * half.open.len() as u64
}
