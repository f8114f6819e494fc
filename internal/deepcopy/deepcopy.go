// Package deepcopy copies values whole: for tests, whose twins of a database keep what
// was stored apart from what a closure does to its request.
package deepcopy

import (
	"reflect"
	"time"
)

// Of copies everything that can be reached from v. Times and zones are values.
func Of[T any](v T) T {
	return value(reflect.ValueOf(&v).Elem()).Interface().(T)
}

// value copies what pointers, interfaces, slices, maps and structs lead to. What is left is copied by assignment.
func value(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(value(v.Elem()))
		}
	case reflect.Interface:
		if !v.IsNil() {
			out.Set(value(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(value(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMap(v.Type()))
			for key, entry := range v.Seq2() {
				out.SetMapIndex(key, value(entry))
			}
		}
	case reflect.Struct:
		out.Set(v)
		if v.Type() != reflect.TypeFor[time.Time]() && v.Type() != reflect.TypeFor[time.Location]() {
			for i := range v.NumField() {
				out.Field(i).Set(value(v.Field(i)))
			}
		}
	default:
		out.Set(v)
	}
	return out
}
