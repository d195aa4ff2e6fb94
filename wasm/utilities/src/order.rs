//! tsort(1): words in an order that agrees with pairs of them.

use crate::options::{Spec, extra_operand, parse};
use crate::report::{Failure, Outcome, complain, failure, quote_bare};
use crate::stream::{Input, Output};
use std::collections::{HashMap, VecDeque};

const SPEC: Spec = Spec::new("", "Usage: tsort [FILE]\nPrints words in an order that agrees with all pairs of them in FILE.\n");

pub fn run(args: Vec<Vec<u8>>) -> Outcome {
    let parsed = parse(args, &SPEC)?;
    if let Some(extra) = parsed.operands.get(1) {
        return Err(extra_operand(1, extra));
    }
    let name = parsed.operands.first().map_or(&b"-"[..], Vec::as_slice);
    let text = Input::open(name).and_then(|mut input| input.all());
    let text = text.map_err(|errno| failure(1, format!("{}: {errno}", quote_bare(name))))?;
    let words: Vec<&[u8]> = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
    if !words.len().is_multiple_of(2) {
        return Err(failure(1, format!("{}: input contains an odd number of tokens", quote_bare(name))));
    }
    let mut graph = Graph::default();
    for pair in words.chunks_exact(2) {
        graph.edge(pair[0], pair[1]);
    }
    let mut out = Output::stdout();
    let status = graph.print(&mut out, &quote_bare(name))?;
    out.finish(status)
}

#[derive(Default)]
struct Graph<'a> {
    index: HashMap<&'a [u8], usize>,
    words: Vec<&'a [u8]>,
    followers: Vec<Vec<usize>>,
    before: Vec<usize>,
}

impl<'a> Graph<'a> {
    fn node(&mut self, word: &'a [u8]) -> usize {
        *self.index.entry(word).or_insert_with(|| {
            self.words.push(word);
            self.followers.push(Vec::new());
            self.before.push(0);
            self.words.len() - 1
        })
    }

    fn edge(&mut self, one: &'a [u8], other: &'a [u8]) {
        let (one, other) = (self.node(one), self.node(other));
        if one != other {
            self.followers[one].push(other);
            self.before[other] += 1;
        }
    }

    fn print(&mut self, out: &mut Output, name: &str) -> Result<i32, Failure> {
        let mut order: Vec<usize> = (0..self.words.len()).collect();
        order.sort_by_key(|&node| self.words[node]);
        let mut ready: VecDeque<usize> = order.iter().copied().filter(|&node| self.before[node] == 0).collect();
        let mut done = vec![false; self.words.len()];
        let mut status = 0;
        loop {
            while let Some(node) = ready.pop_front() {
                if std::mem::replace(&mut done[node], true) {
                    continue;
                }
                out.put(self.words[node])?;
                out.byte(b'\n')?;
                for next in self.followers[node].clone().into_iter().rev() {
                    self.before[next] = self.before[next].saturating_sub(1);
                    if self.before[next] == 0 {
                        ready.push_back(next);
                    }
                }
            }
            let Some(&start) = order.iter().find(|&&node| !done[node]) else { return Ok(status) };
            status = 1;
            out.flush()?;
            complain(format!("{name}: input contains a loop:"));
            let cycle = self.cycle(start, &done);
            cycle.iter().for_each(|&node| complain(String::from_utf8_lossy(self.words[node])));
            if let (Some(&first), Some(&last)) = (cycle.first(), cycle.last()) {
                self.followers[last].retain(|&next| next != first);
                self.before[first] = self.before[first].saturating_sub(1);
                if self.before[first] == 0 {
                    ready.push_back(first);
                }
            }
        }
    }

    /// Some loop that can be reached backwards from `start`.
    fn cycle(&self, start: usize, done: &[bool]) -> Vec<usize> {
        let mut path = vec![start];
        loop {
            let last = path[path.len() - 1];
            let previous = (0..self.words.len()).find(|&node| !done[node] && self.followers[node].contains(&last));
            let Some(previous) = previous else { return path };
            if let Some(at) = path.iter().position(|&node| node == previous) {
                // Forward from its first word, as GNU names it.
                let mut cycle = path[at..].to_vec();
                cycle[1..].reverse();
                return cycle;
            }
            path.push(previous);
        }
    }
}
