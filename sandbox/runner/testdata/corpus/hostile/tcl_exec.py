# danger: a program by way of Tcl
import tkinter
tkinter.Tcl().eval("exec id")
