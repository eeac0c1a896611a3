//! The two questions that are asked of Thrift structs in a Parquet file before the crate takes them up, as far as the
//! compact protocol must be known for them.
//!
//! How deep the schema in the footer is nested: the crate calls itself at each level, and a footer of a few megabytes
//! would use up the stack. Field 2 of the footer is the schema, a list of elements in the order of a walk; field 5 of
//! an element is the number of its children.
//!
//! Where the compressed part of a page begins: field 8 of its header, which pages of version 2 have, has the lengths of
//! what precedes it as fields 5 and 6.

/// Levels that are read at most; real files have under ten.
const DEEPEST: usize = 64;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// Whether the footer has a schema that is safe to walk.
pub(super) fn is_shallow(footer: &[u8]) -> bool {
    let mut walk = Walk { rest: footer };
    walk.find_schema().is_some()
}

/// Bytes before the compressed part of a page, from its header; `None` where that cannot be read.
pub(super) fn bytes_before(header: &[u8]) -> Option<u64> {
    let mut walk = Walk { rest: header };
    let (mut id, mut before) = (0, 0);
    loop {
        match (walk.field(&mut id)?, id) {
            (0, _) => return Some(before),
            (STRUCT, 8) => before = walk.levels()?,
            (kind, _) => walk.skip(kind, 0)?,
        }
    }
}

struct Walk<'a> {
    rest: &'a [u8],
}

impl Walk<'_> {
    /// Reads on to the schema and through it; `None` where there is none or it is too deep.
    fn find_schema(&mut self) -> Option<()> {
        let mut id = 0;
        loop {
            let kind = self.field(&mut id)?;
            if (id, kind) == (2, LIST) {
                return self.schema();
            }
            self.skip(kind, 0)?;
        }
    }

    fn schema(&mut self) -> Option<()> {
        let (count, kind) = self.list()?;
        if kind != STRUCT {
            return None;
        }
        // Children still to come, of each level above.
        let mut open: Vec<u64> = Vec::new();
        for _ in 0..count {
            let children = self.element()?;
            if let Some(above) = open.last_mut() {
                *above -= 1;
            }
            if children > 0 {
                open.push(children);
            }
            if open.len() > DEEPEST {
                return None;
            }
            while open.last() == Some(&0) {
                open.pop();
            }
        }
        Some(())
    }

    /// The lengths of the levels that the header of a page of version 2 states.
    fn levels(&mut self) -> Option<u64> {
        let (mut id, mut levels) = (0, 0u64);
        loop {
            match (self.field(&mut id)?, id) {
                (0, _) => return Some(levels),
                (5, 5 | 6) => levels = levels.checked_add(u64::try_from(self.signed()?).ok()?)?,
                (kind, _) => self.skip(kind, 0)?,
            }
        }
    }

    /// The number of children that one element states.
    fn element(&mut self) -> Option<u64> {
        let (mut id, mut children) = (0, 0);
        loop {
            match self.field(&mut id)? {
                0 => return Some(children),
                5 if id == 5 => children = u64::try_from(self.signed()?).ok()?,
                kind => self.skip(kind, 0)?,
            }
        }
    }

    /// The type of the next field, 0 at the end of its struct.
    fn field(&mut self, id: &mut i64) -> Option<u8> {
        let head = self.byte()?;
        let (step, kind) = (head >> 4, head & 15);
        match (kind, step) {
            (0, _) => {}
            (_, 0) => *id = self.signed()?,
            _ => *id = id.checked_add(i64::from(step))?,
        }
        Some(kind)
    }

    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.number()? } else { u64::from(head >> 4) };
        Some((count, head & 15))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            _ if depth > DEEPEST => None,
            1 | 2 => Some(()),
            3 => self.byte().map(drop),
            4..=6 => self.number().map(drop),
            7 => self.bytes(8),
            8 => {
                let length = self.number()?;
                self.bytes(length)
            }
            LIST | 10 => {
                let (count, kind) = self.list()?;
                // In a list a truth value is a byte of its own.
                let kind = if kind <= 2 { 3 } else { kind };
                (0..count).try_for_each(|_| self.skip(kind, depth + 1))
            }
            STRUCT => {
                let mut id = 0;
                loop {
                    match self.field(&mut id)? {
                        0 => return Some(()),
                        kind => self.skip(kind, depth + 1)?,
                    }
                }
            }
            // Maps do not occur in a footer.
            _ => None,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn bytes(&mut self, count: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}
