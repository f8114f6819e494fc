"""What is taken out of the list of harmless names by hand, with the reason for each.

A name with a dot before it is taken out as an attribute of values only (json.dump stays,
an array's dump goes), one behind a module's name only there.

A reason is the end of a sentence: "Uses query, which <reason>." What reaches outside
of the program is a danger, the rest is something to be careful about.
"""

DANGER, CAUTION = "danger", "caution"

REASONS = [
    (DANGER, "evaluates text", """get_field vformat format_map format_field convert_field parse_expr safe_eval Formatter get_type_hints ForwardRef evaluate_forward_ref
        singledispatch singledispatchmethod make_dataclass rv_continuous rv_discrete rv_histogram attrgetter methodcaller parse_math to_mathtext
        from_custom_template template_html template_html_table template_latex template_string read_gml numexpr unsafe_load full_load sympify parse_latex lambdify MICE MICEData set_imputer EvalEnvironment
        EvalFactor ModelDesc incr_dbuilder incr_dbuilders"""),
    (DANGER, "opens files or addresses by a path of its own", """read_html read_xml read_clipboard read_gbq read_feather read_orc read_sas read_spss read_stata read_hdf HDFStore
        read_sql_table read_sql read_sql_query to_sql to_hdf to_clipboard to_gbq fromfile tofile memmap fromregex DataSource write_png reload_library ODFReader XlrdReader OpenpyxlReader PyxlsbReader recfromcsv recfromtxt mafromtxt ndfromtxt imread imsave
        symlink_to hardlink_to link_to chmod lchmod owner group_name rc_file rc_params_from_file rc_file_defaults matplotlib_fname get_data_path get_cachedir
        get_configdir load_library from_file reset_tzpath tzpath TZPATH available_timezones expanduser home readlink samefile lstat loadmat savemat whosmat mmread mmwrite
        netcdf_file wavfile readsav FortranFile hb_read hb_write tzfile tzlocal tzwinlocal gettz load_npz save_npz searchpath add_image read_files get_sample_data open_file_cm
        get_zonefile_instance rebuild load_dataset get_dataset_names get_rdataset open_resource dogplot get_data_home clear_data_home load_files load_svmlight_file load_svmlight_files
        dump_svmlight_file load_sample_image load_sample_images export_graphviz webuse check_internet statsmodels.api.iolib statsmodels.iolib"""),
    (CAUTION, "looks at files beyond those that were named", "iterdir glob rglob cwd resolve absolute lexists is_symlink is_mount is_socket is_fifo is_block_device is_char_device"),
    (DANGER, "loads a pickle, which can run anything that is hidden in it", "read_pickle Unpickler read_array load_pickle statsmodels.api.load .load"),
    (DANGER, "makes a pickle, which can run anything that is hidden in it", "to_pickle .dump .dumps save_pickle"),
    (DANGER, "loads code", """ctypeslib f2py distutils testing lib core compat _libs entry_points EntryPoint import_module switch_backend get_backend new_figure_manager show_versions test backend
        backends animation Tester bench lookfor source entrypoints load_module exec_module find_spec switch_backends set_canvas register_backend
        LowLevelCallable ccallback weave _lib PytestTester pytesttester add_newdoc add_docstring add_newdoc_ufunc deprecate deprecate_with_doc
        loader env seaborn.external sklearn.externals statsmodels.sandbox statsmodels.compat new_figure_manager_given_figure get_registered_canvas_class install_repl_displayhook uninstall_repl_displayhook set_loglevel"""),
    (DANGER, "touches memory", """ctypes data as_strided setflags byteswap getbuffer frombuffer from_dlpack ndpointer interface buffer tobuffer byte_bounds getfield setfield
        get_array_wrap from_buffer as_array as_ctypes set_mem memoryview geterrobj seterrobj nested_iters"""),
    (DANGER, "reaches descriptors", "fileno detach raw fdopen dup dup2 closerange set_inheritable get_inheritable set_blocking"),
    (DANGER, "reaches frames or code", """f_back f_globals f_locals f_builtins f_code f_lineno f_trace f_lasti gi_frame gi_code gi_yieldfrom gi_running gi_suspended cr_frame cr_code cr_await cr_origin
        cr_running ag_frame ag_code ag_await ag_running tb_frame tb_next tb_lasti tb_lineno co_code co_consts co_names co_varnames co_freevars func_globals func_code mro walk_stack walk_tb
        extract_stack print_stack with_traceback currentframe getframe"""),
    (DANGER, "starts another program", "subplot_tool popen webdoc x13_arima_analysis x13_arima_select_order statsmodels.tsa.x13 usetex text_usetex set_usetex print_ps print_eps print_pgf FFMpegWriter ImageMagickWriter uuid1 getnode"),
    (DANGER, "changes a library for everything that comes after it", """register_dataframe_accessor register_series_accessor register_index_accessor register_extension_dtype
        seterrcall set_string_function set_numeric_ops setbufsize register_option
        set_epoch register_cmap unregister_cmap register_scale register_projection reset_orig"""),
    (CAUTION, "works in other processes, or keeps what it computes in a folder and loads it from there", "memory n_jobs pre_dispatch Parallel delayed parallel_func parallel_backend register_parallel_backend statsmodels.tools.parallel sklearn.utils.parallel"),
    (CAUTION, "brings data that nobody here has shared", """load_iris load_wine load_diabetes load_digits load_breast_cancer load_linnerud load_pandas statsmodels.api.datasets statsmodels.datasets
        demo_data"""),
    (CAUTION, "hands values to code that is waiting elsewhere", "send throw asend athrow aclose"),
    (CAUTION, "waits for events that nobody makes", "pause ginput waitforbuttonpress FigureCanvasBase get_current_fig_manager Slider Button connect disconnect mpl_connect mpl_disconnect start_event_loop stop_event_loop flush_events new_timer add_callback add_axobserver interactive ion "
        "choose_colorbrewer_palette choose_cubehelix_palette choose_dark_palette choose_diverging_palette choose_light_palette draw_if_interactive get_plot_commands set_picker pick stale_callback callbacks"),
    (CAUTION, "puts an address into a picture", "set_url set_urls"),
    (CAUTION, "reaches the object that something is about", "obj gi_obj base"),
    (CAUTION, "looks into the running program", "numpy.info numpy.use_hugepage numpy.tracemalloc_domain numpy.disp who get_include show_config getrefcount cache_parameters set_debug get_objects get_referrers"),
]


def level_and_reason():
    """name -> (level, reason)."""
    found = {}
    for level, reason, names in REASONS:
        for name in names.split():
            found.setdefault(name, (level, reason))
    return found
