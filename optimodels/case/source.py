from ruamel.yaml import YAML
from dataclasses import dataclass
from typing import Any
@dataclass(frozen=True)
class Source:
    file: str
    value: Any
    def place(self, path): return (1,1)
def read_source(path): return parse_source(open(path).read(), str(path))
def parse_source(text, file): return Source(file, YAML(typ="safe").load(text))
def apply_settings(source, settings):
    for s in settings:
        k,_,v=s.partition("=")
        d=source.value
        *h,l=k.split(".")
        for p in h: d=d.setdefault(p,{})
        d[l]=YAML(typ="safe").load(v)
    return source
