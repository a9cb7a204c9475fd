//! A forest at rest: cuts and numbers of points in preorder, from which all else follows.

use super::params::SAMPLE_MAX;
use super::tree::{Cut, Tree};
use super::{ForestError, IsolationForest};
use serde::{Deserialize, Serialize};

/// The form in which a forest is serialised.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename = "IsolationForest")]
pub(super) struct SavedForest {
    features: usize,
    next: u64,
    trees: Vec<SavedTree>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct SavedTree {
    sample: u32,
    nodes: Vec<SavedNode>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum SavedNode {
    Leaf,
    /// A cut, and how many of the points of the node lie below it.
    Cut {
        feature: u16,
        threshold: f32,
        left: u32,
    },
}

impl From<IsolationForest> for SavedForest {
    fn from(forest: IsolationForest) -> Self {
        let trees = forest.trees.iter().map(SavedTree::of).collect();
        Self { features: forest.features, next: forest.next, trees }
    }
}

impl TryFrom<SavedForest> for IsolationForest {
    type Error = ForestError;

    fn try_from(saved: SavedForest) -> Result<Self, ForestError> {
        let trees: Option<Vec<Tree>> =
            saved.trees.iter().map(|tree| tree.restore(saved.features)).collect();
        match trees {
            Some(trees) if !trees.is_empty() && saved.features > 0 => {
                Ok(Self { features: saved.features, next: saved.next, trees })
            }
            _ => Err(ForestError::Corrupt),
        }
    }
}

impl SavedTree {
    fn of(tree: &Tree) -> Self {
        let mut nodes = Vec::new();
        let mut open = vec![Tree::ROOT];
        while let Some(at) = open.pop() {
            nodes.push(match tree.cut(at) {
                None => SavedNode::Leaf,
                Some(Cut { threshold, feature }) => {
                    open.extend([2 * at + 1, 2 * at]);
                    SavedNode::Cut { feature, threshold, left: tree.points(2 * at) }
                }
            });
        }
        Self { sample: tree.sample() as u32, nodes }
    }

    /// Returns the tree, or nothing where the nodes make none.
    fn restore(&self, features: usize) -> Option<Tree> {
        // A tree has fewer nodes than twice its points, so this bounds what is allocated.
        if self.sample == 0 || self.sample as usize > SAMPLE_MAX {
            return None;
        }
        let mut tree = Tree::new(self.sample as usize);
        let mut nodes = self.nodes.iter();
        let mut open = vec![(Tree::ROOT, 0)];
        while let Some((at, level)) = open.pop() {
            match *nodes.next()? {
                SavedNode::Leaf => tree.close(at, level),
                SavedNode::Cut { feature, threshold, left } => {
                    let is_whole = left > 0 && left < tree.points(at) && threshold.is_finite();
                    if !is_whole || level >= tree.height() || feature as usize >= features {
                        return None;
                    }
                    tree.split(at, Cut { threshold, feature }, left);
                    open.extend([(2 * at + 1, level + 1), (2 * at, level + 1)]);
                }
            }
        }
        nodes.next().is_none().then_some(tree)
    }
}
