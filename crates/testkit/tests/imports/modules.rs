//! The modules of one crate and what each file names of the others, without test code.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    path::Path,
};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// A source file.
pub(crate) struct File {
    /// Relative to the crate's `src`.
    pub(crate) path: String,
    /// The top-level module that it belongs to; `lib` or `main` for the crate's root.
    pub(crate) top: String,
    /// It has nothing but `mod` declarations and `use`s: such a file imports nothing.
    only_declares: bool,
}

/// The files of a crate and the imports between them: (from, to) and the names imported.
pub(crate) struct Crate {
    pub(crate) files: Vec<File>,
    pub(crate) edges: BTreeMap<(usize, usize), BTreeSet<String>>,
}

type Segments = Vec<String>;

#[derive(Default)]
struct Module {
    file: usize,
    parent: Option<usize>,
    items: HashSet<String>,
    children: HashMap<String, usize>,
    /// Names that `use` brings into the module.
    uses: HashMap<String, Segments>,
    globs: Vec<Segments>,
}

#[derive(Clone, Copy)]
enum Target {
    Item { file: usize },
    Module(usize),
}

#[derive(Default)]
struct Tree {
    files: Vec<File>,
    modules: Vec<Module>,
    /// Paths in the code: (module they stand in, path).
    paths: Vec<(usize, Segments)>,
}

impl Crate {
    /// Reads the crate whose root file is `src/lib.rs` or `src/main.rs`; none if it has neither.
    pub(crate) fn read(src: &Path) -> Option<Self> {
        let root = ["lib.rs", "main.rs"].into_iter().find(|name| src.join(name).exists())?;
        let mut tree = Tree::default();
        let top = root.trim_end_matches(".rs").to_owned();
        tree.read_file(src, &src.join(root), src, top, None);
        let edges = tree.edges();
        Some(Self { files: tree.files, edges })
    }
}

impl Tree {
    /// Reads a file as a module whose children are below `folder`; returns the module.
    fn read_file(
        &mut self,
        src: &Path,
        path: &Path,
        folder: &Path,
        top: String,
        parent: Option<usize>,
    ) -> usize {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let relative = path.strip_prefix(src).unwrap().to_str().unwrap().to_owned();
        let only_declares =
            parsed.items.iter().filter(|item| !is_test(attributes(item))).all(|item| {
                matches!(item, syn::Item::Mod(m) if m.content.is_none()) || is_use(item)
            });
        self.files.push(File { path: relative, top, only_declares });
        let file = self.files.len() - 1;
        self.read_module(src, &parsed.items, folder, file, parent)
    }

    fn read_module(
        &mut self,
        src: &Path,
        items: &[syn::Item],
        folder: &Path,
        file: usize,
        parent: Option<usize>,
    ) -> usize {
        let module = self.modules.len();
        self.modules.push(Module { file, parent, ..Module::default() });
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            match item {
                syn::Item::Mod(declared) => {
                    let name = declared.ident.to_string();
                    let child = match &declared.content {
                        Some((_, items)) => {
                            self.read_module(src, items, &folder.join(&name), file, Some(module))
                        }
                        None => {
                            if name == "tests" {
                                continue;
                            }
                            let flat = folder.join(format!("{name}.rs"));
                            let nested = folder.join(&name).join("mod.rs");
                            let path = if flat.exists() { flat } else { nested };
                            let top = match parent {
                                None => name.clone(),
                                Some(_) => self.files[file].top.clone(),
                            };
                            self.read_file(src, &path, &folder.join(&name), top, Some(module))
                        }
                    };
                    self.modules[module].children.insert(name, child);
                }
                _ => {
                    if let Some(name) = item_name(item) {
                        self.modules[module].items.insert(name);
                    }
                    Reader { tree: self, module }.visit_item(item);
                }
            }
        }
        module
    }

    fn edges(&self) -> BTreeMap<(usize, usize), BTreeSet<String>> {
        let mut edges: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for (module, path) in &self.paths {
            let from = self.modules[*module].file;
            if self.files[from].only_declares {
                continue;
            }
            if let Some(Target::Item { file }) = self.resolve(*module, path, 0)
                && file != from
            {
                let named = path.iter().find(|s| s.starts_with(char::is_uppercase));
                let name = named.or(path.last()).unwrap().clone();
                edges.entry((from, file)).or_default().insert(name);
            }
        }
        edges
    }

    /// The target of a path used in `module`, through re-exports, if it is in this crate.
    fn resolve(&self, module: usize, path: &[String], depth: usize) -> Option<Target> {
        if depth > 16 {
            return None;
        }
        let mut at = module;
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" => at = 0,
                "self" => {}
                "super" => at = self.modules[at].parent?,
                _ => break,
            }
            rest = after;
        }
        let inside = rest.len() < path.len();
        let mut known = inside;
        while let Some((name, after)) = rest.split_first() {
            match self.look_up(at, name, !after.is_empty(), depth) {
                Some(Target::Module(child)) => at = child,
                Some(item) => return Some(item),
                // A macro of the module may have defined it.
                None => return known.then_some(Target::Item { file: self.modules[at].file }),
            }
            known = true;
            rest = after;
        }
        Some(Target::Module(at))
    }

    fn look_up(
        &self,
        module: usize,
        name: &str,
        module_first: bool,
        depth: usize,
    ) -> Option<Target> {
        let here = &self.modules[module];
        let item = here.items.contains(name).then_some(Target::Item { file: here.file });
        let child = here.children.get(name).map(|child| Target::Module(*child));
        let found = if module_first { child.or(item) } else { item.or(child) };
        found
            .or_else(|| {
                let path = here.uses.get(name)?;
                // `use name;` of another crate would lead back here.
                if path.first().is_some_and(|first| first == name) {
                    return None;
                }
                self.resolve(module, path, depth + 1)
            })
            .or_else(|| {
                here.globs.iter().find_map(|glob| match self.resolve(module, glob, depth + 1)? {
                    Target::Module(at) if at != module && depth < 16 => {
                        self.look_up(at, name, module_first, depth + 1)
                    }
                    _ => None,
                })
            })
    }
}

/// Collects the paths in an item.
struct Reader<'a> {
    tree: &'a mut Tree,
    module: usize,
}

impl Reader<'_> {
    fn path(&mut self, path: Segments) {
        self.tree.paths.push((self.module, path));
    }

    fn use_tree(&mut self, mut prefix: Segments, tree: &syn::UseTree, is_export: bool) {
        let (name, alias) = match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                return self.use_tree(prefix, &path.tree, is_export);
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(prefix.clone(), tree, is_export);
                }
                return;
            }
            syn::UseTree::Glob(_) => {
                self.tree.modules[self.module].globs.push(prefix);
                return;
            }
            syn::UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string()),
            syn::UseTree::Rename(rename) => (rename.ident.to_string(), rename.rename.to_string()),
        };
        let alias = match name.as_str() {
            "self" => prefix.last().cloned().unwrap_or_default(),
            _ => {
                prefix.push(name);
                alias
            }
        };
        // A re-export is an import only where its file uses it.
        if !is_export {
            self.path(prefix.clone());
        }
        self.tree.modules[self.module].uses.insert(alias, prefix);
    }

    /// Paths in the tokens of a macro's call, which are not parsed.
    fn tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons) = (Segments::new(), 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 && !path.is_empty() {
                        self.path(std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    if !path.is_empty() {
                        self.path(std::mem::take(&mut path));
                    }
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        // serde's `with = "crate::…"`.
                        TokenTree::Literal(literal) => {
                            let text = literal.to_string();
                            if let Ok(path) = syn::parse_str::<syn::Path>(text.trim_matches('"'))
                                && path.segments.len() > 1
                            {
                                self.visit_path(&path);
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        if !path.is_empty() {
            self.path(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.path(path.segments.iter().map(|s| s.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone());
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_export = !matches!(item.vis, syn::Visibility::Inherited);
        if item.leading_colon.is_none() {
            self.use_tree(Vec::new(), &item.tree, is_export);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta
            && !list.path.is_ident("cfg")
            && !list.path.is_ident("doc")
        {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Fn(item) => &item.attrs[..],
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_test(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !is_test(&field.attrs) {
            visit::visit_field_value(self, field);
        }
    }
}

fn is_use(item: &syn::Item) -> bool {
    matches!(item, syn::Item::Use(_))
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn item_name(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Whether something is compiled for tests: `cfg(test)`, `cfg(any(test, …))`.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    fn names_test(tokens: TokenStream) -> bool {
        let mut negated = false;
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => {
                negated = ident == "not";
                ident == "test"
            }
            TokenTree::Group(group) => !negated && names_test(group.stream()),
            _ => false,
        })
    }
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => names_test(list.tokens.clone()),
        _ => false,
    })
}
