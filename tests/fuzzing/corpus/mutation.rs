//! Mutations of inputs, the same in every run.

use regcred_tests::seeded::Seeded;

/// An endless row of inputs.
pub(crate) struct Mutations<'a> {
    inputs: &'a [Vec<u8>],
    random: Seeded,
}

impl<'a> Mutations<'a> {
    pub(crate) fn new(inputs: &'a [Vec<u8>], seed: u64) -> Self {
        let random = Seeded::new(seed);
        Self { inputs, random }
    }

    pub(crate) fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.any_input();
        for _ in 0..=self.below(4) {
            self.change(&mut input);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let (at, end) = (self.below(input.len() + 1), self.below(input.len() + 1));
        let part = at.min(end)..at.max(end);
        match self.below(7) {
            0 => drop(input.drain(part)),
            1 => {
                let copy = input[part].to_vec();
                drop(input.splice(at..at, copy));
            }
            2 => {
                let other = self.any_input();
                let from = self.below(other.len() + 1);
                drop(input.splice(at.., other[from..].iter().copied()));
            }
            3 => input.insert(at, SIGNS[self.below(SIGNS.len())]),
            4 => input.truncate(at),
            _ if input.is_empty() => {}
            5 => {
                let at = at % input.len();
                input[at] ^= 1 << self.below(8);
            }
            _ => {
                let at = at % input.len();
                input[at] = self.random.bytes(1)[0];
            }
        }
    }

    fn any_input(&mut self) -> Vec<u8> {
        self.inputs[self.below(self.inputs.len())].clone()
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.below(end)
    }
}

const SIGNS: &[u8] = b"{}[]\":,\\\n\r\t #&*<>=%@/.-+0\0\x1b\xff\xc3";
