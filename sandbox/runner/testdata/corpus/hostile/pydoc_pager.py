# danger: a program that pages
import pydoc
pydoc.pipepager("x", "id")
