//! Associative arrays. They are walked in the order of bash's hash table (FNV-1, 1024 buckets, newest first in a bucket),
//! because scripts see that order.

use std::collections::HashMap;

use crate::variables::Bytes;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Keyed {
    entries: HashMap<Bytes, (u64, Bytes)>,
    inserted: u64,
}

const BUCKETS: u32 = 1024;

fn bucket(key: &[u8]) -> u32 {
    key.iter().fold(2166136261u32, |hash, byte| hash.wrapping_mul(16777619) ^ u32::from(*byte)) & (BUCKETS - 1)
}

impl Keyed {
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key).map(|(_, value)| value.as_slice())
    }

    pub fn set(&mut self, key: &[u8], value: Bytes) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.1 = value;
            return;
        }
        self.inserted += 1;
        self.entries.insert(key.to_vec(), (self.inserted, value));
    }

    pub fn remove(&mut self, key: &[u8]) {
        self.entries.remove(key);
    }

    pub fn sorted(&self) -> Vec<(&Bytes, &Bytes)> {
        let mut all: Vec<_> = self.entries.iter().collect();
        all.sort_by_cached_key(|(key, (order, _))| (bucket(key), std::cmp::Reverse(*order)));
        all.into_iter().map(|(key, (_, value))| (key, value)).collect()
    }
}
