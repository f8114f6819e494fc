"""The modules of statistics whose names are harmless, and objects of theirs. For make.py.

Modules that gather what a library has give all of their public names; of the others
that is chosen which analysts import from there. What is taken out of either stands
in taken_out.py with its reason.
"""

import warnings

WHOLE = """
    seaborn seaborn.objects
    statsmodels.api statsmodels.api.families statsmodels.api.formula statsmodels.api.graphics statsmodels.api.stats statsmodels.api.tsa statsmodels.api.tsa.filters
    statsmodels.api.tsa.stattools statsmodels.formula.api statsmodels.graphics.api statsmodels.stats.api statsmodels.tsa.api statsmodels.tsa.stattools
    sklearn.calibration sklearn.cluster sklearn.compose sklearn.covariance sklearn.cross_decomposition sklearn.decomposition sklearn.discriminant_analysis
    sklearn.dummy sklearn.ensemble sklearn.exceptions sklearn.feature_selection sklearn.gaussian_process sklearn.impute sklearn.inspection sklearn.isotonic
    sklearn.kernel_approximation sklearn.kernel_ridge sklearn.linear_model sklearn.manifold sklearn.metrics sklearn.mixture sklearn.model_selection
    sklearn.multiclass sklearn.multioutput sklearn.naive_bayes sklearn.neighbors sklearn.neural_network sklearn.pipeline sklearn.preprocessing
    sklearn.random_projection sklearn.semi_supervised sklearn.svm sklearn.tree
""".split()

CHOSEN = {
    "patsy": "dmatrix dmatrices",
    "sklearn":
        "calibration cluster compose covariance cross_decomposition datasets decomposition discriminant_analysis dummy ensemble experimental exceptions "
        "feature_extraction feature_selection gaussian_process impute inspection isotonic kernel_approximation kernel_ridge linear_model manifold metrics "
        "mixture model_selection multiclass multioutput naive_bayes neighbors neural_network pipeline preprocessing random_projection semi_supervised svm tree "
        "utils clone set_config config_context __version__",
    "sklearn.base": "clone",
    "sklearn.datasets": "make_blobs make_classification make_regression make_moons make_circles",
    "sklearn.experimental": "enable_iterative_imputer enable_halving_search_cv",
    "sklearn.feature_extraction": "DictVectorizer FeatureHasher text",
    "sklearn.feature_extraction.text": "CountVectorizer TfidfVectorizer TfidfTransformer HashingVectorizer ENGLISH_STOP_WORDS",
    "sklearn.gaussian_process.kernels": "RBF ConstantKernel WhiteKernel Matern RationalQuadratic ExpSineSquared DotProduct",
    "sklearn.metrics.cluster": "adjusted_rand_score normalized_mutual_info_score silhouette_score contingency_matrix",
    "sklearn.metrics.pairwise": "cosine_similarity cosine_distances euclidean_distances manhattan_distances haversine_distances pairwise_distances linear_kernel rbf_kernel",
    "sklearn.utils": "resample shuffle check_random_state class_weight",
    "sklearn.utils.class_weight": "compute_class_weight compute_sample_weight",
    "sklearn.utils.validation": "check_is_fitted",
    "statsmodels": "api formula stats tsa graphics regression discrete genmod nonparametric tools multivariate duration robust __version__",
    "statsmodels.api.cov_struct": "Independence Exchangeable Autoregressive Nested GlobalOddsRatio",
    "statsmodels.api.families.links": "identity log logit probit cloglog inverse_power inverse_squared Power Identity Log Logit Probit CLogLog InversePower InverseSquared",
    "statsmodels.api.graphics.tsa": "plot_acf plot_pacf month_plot quarter_plot",
    "statsmodels.api.nonparametric": "lowess KDEUnivariate KDEMultivariate KernelReg",
    "statsmodels.api.robust": "norms mad scale",
    "statsmodels.api.robust.norms": "HuberT TukeyBiweight AndrewWave Hampel LeastSquares RamsayE TrimmedMean",
    "statsmodels.api.tools": "add_constant",
    "statsmodels.discrete": "discrete_model count_model",
    "statsmodels.discrete.count_model": "ZeroInflatedPoisson ZeroInflatedNegativeBinomialP",
    "statsmodels.discrete.discrete_model": "Logit Probit Poisson NegativeBinomial MNLogit",
    "statsmodels.duration": "hazard_regression survfunc",
    "statsmodels.duration.hazard_regression": "PHReg",
    "statsmodels.duration.survfunc": "SurvfuncRight survdiff",
    "statsmodels.formula": "api",
    "statsmodels.genmod": "families generalized_linear_model generalized_estimating_equations",
    "statsmodels.genmod.families": "Binomial Gaussian Gamma Poisson NegativeBinomial InverseGaussian Tweedie links",
    "statsmodels.genmod.generalized_estimating_equations": "GEE",
    "statsmodels.genmod.generalized_linear_model": "GLM",
    "statsmodels.graphics": "api gofplots tsaplots regressionplots mosaicplot factorplots boxplots correlation",
    "statsmodels.graphics.boxplots": "violinplot beanplot",
    "statsmodels.graphics.correlation": "plot_corr plot_corr_grid",
    "statsmodels.graphics.factorplots": "interaction_plot",
    "statsmodels.graphics.gofplots": "qqplot qqline qqplot_2samples ProbPlot",
    "statsmodels.graphics.mosaicplot": "mosaic",
    "statsmodels.graphics.regressionplots": "plot_fit plot_regress_exog plot_partregress plot_partregress_grid plot_ccpr plot_ccpr_grid plot_leverage_resid2 influence_plot abline_plot",
    "statsmodels.graphics.tsaplots": "plot_acf plot_pacf month_plot quarter_plot plot_predict",
    "statsmodels.multivariate": "pca factor manova",
    "statsmodels.multivariate.factor": "Factor",
    "statsmodels.multivariate.manova": "MANOVA",
    "statsmodels.multivariate.pca": "PCA",
    "statsmodels.nonparametric": "smoothers_lowess kde",
    "statsmodels.nonparametric.kde": "KDEUnivariate",
    "statsmodels.nonparametric.smoothers_lowess": "lowess",
    "statsmodels.regression": "linear_model mixed_linear_model quantile_regression rolling",
    "statsmodels.regression.linear_model": "OLS WLS GLS GLSAR",
    "statsmodels.regression.mixed_linear_model": "MixedLM",
    "statsmodels.regression.quantile_regression": "QuantReg",
    "statsmodels.regression.rolling": "RollingOLS RollingWLS",
    "statsmodels.robust": "norms mad scale",
    "statsmodels.robust.norms": "HuberT TukeyBiweight AndrewWave Hampel",
    "statsmodels.robust.robust_linear_model": "RLM",
    "statsmodels.stats": "api multicomp proportion power weightstats outliers_influence diagnostic stattools anova contingency_tables multitest rates descriptivestats",
    "statsmodels.stats.anova": "anova_lm AnovaRM",
    "statsmodels.stats.contingency_tables": "mcnemar cochrans_q Table Table2x2 SquareTable StratifiedTable",
    "statsmodels.stats.descriptivestats": "describe sign_test Description",
    "statsmodels.stats.diagnostic":
        "acorr_ljungbox acorr_breusch_godfrey het_arch het_breuschpagan het_goldfeldquandt het_white linear_rainbow linear_reset lilliefors normal_ad "
        "kstest_normal breaks_cusumolsresid",
    "statsmodels.stats.inter_rater": "cohens_kappa fleiss_kappa aggregate_raters",
    "statsmodels.stats.multicomp": "pairwise_tukeyhsd MultiComparison tukeyhsd",
    "statsmodels.stats.multitest": "multipletests fdrcorrection local_fdr",
    "statsmodels.stats.oneway": "anova_oneway effectsize_oneway",
    "statsmodels.stats.outliers_influence": "variance_inflation_factor OLSInfluence summary_table reset_ramsey",
    "statsmodels.stats.power": "TTestIndPower TTestPower NormalIndPower FTestAnovaPower FTestPower GofChisquarePower tt_ind_solve_power tt_solve_power zt_ind_solve_power",
    "statsmodels.stats.proportion":
        "proportions_ztest proportion_confint proportion_effectsize proportions_chisquare confint_proportions_2indep test_proportions_2indep "
        "multinomial_proportions_confint binom_test samplesize_confint_proportion",
    "statsmodels.stats.rates": "test_poisson_2indep",
    "statsmodels.stats.stattools": "durbin_watson jarque_bera omni_normtest medcouple robust_skewness robust_kurtosis",
    "statsmodels.stats.weightstats": "DescrStatsW CompareMeans ttest_ind ztest zconfint ttost_ind ttost_paired ztost",
    "statsmodels.tools": "add_constant tools eval_measures",
    "statsmodels.tools.eval_measures": "rmse mse meanabs medianabs bias aic bic aicc hqic",
    "statsmodels.tools.tools": "add_constant",
    "statsmodels.tsa": "api stattools seasonal holtwinters arima statespace ar_model vector_ar",
    "statsmodels.tsa.ar_model": "AutoReg ar_select_order",
    "statsmodels.tsa.arima": "model",
    "statsmodels.tsa.arima.model": "ARIMA",
    "statsmodels.tsa.exponential_smoothing": "ets",
    "statsmodels.tsa.exponential_smoothing.ets": "ETSModel",
    "statsmodels.tsa.forecasting": "theta stl",
    "statsmodels.tsa.forecasting.stl": "STLForecast",
    "statsmodels.tsa.forecasting.theta": "ThetaModel",
    "statsmodels.tsa.holtwinters": "ExponentialSmoothing SimpleExpSmoothing Holt",
    "statsmodels.tsa.seasonal": "seasonal_decompose STL MSTL DecomposeResult",
    "statsmodels.tsa.statespace": "sarimax",
    "statsmodels.tsa.statespace.sarimax": "SARIMAX",
    "statsmodels.tsa.vector_ar": "var_model vecm",
    "statsmodels.tsa.vector_ar.var_model": "VAR",
    "statsmodels.tsa.vector_ar.vecm": "VECM coint_johansen",
}
MODULES = dict.fromkeys(WHOLE) | CHOSEN


def things(find):
    """What analysts have in their hands, of the libraries that are here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (drawn() if find("seaborn") else []) + (fitted() if find("statsmodels") else []) + (learned() if find("sklearn") else [])


def drawn():
    """What seaborn hands over: grids, and the parts of its newer interface."""
    import seaborn as sns
    import seaborn.objects as so
    df = numbers()
    plot = so.Plot(df, x="a", y="b")
    return [sns.FacetGrid(df, col="g"), sns.JointGrid(data=df, x="a", y="b"), sns.PairGrid(df[["a", "b"]]), sns.clustermap(df[["a", "b"]]), sns.color_palette(), plot, so.Dot(), so.Line(), so.Bar(), so.Agg(), so.Hist(),
            so.Dodge(), so.Nominal(), so.Continuous(), so.Temporal()]


def fitted():
    """Models of statsmodels, what their fits give, and what tests return."""
    import statsmodels.api as sm
    import statsmodels.formula.api as smf
    import statsmodels.stats.api as sms
    import statsmodels.tsa.api as tsa
    from statsmodels.stats.multicomp import pairwise_tukeyhsd
    from statsmodels.stats.outliers_influence import OLSInfluence
    df = numbers()
    series = df["a"] + 50
    line = smf.ols("b ~ a", df).fit()
    logit, glm = smf.logit("y ~ a", df).fit(disp=0), smf.glm("y ~ a", df, family=sm.families.Binomial()).fit()
    mixed = smf.mixedlm("b ~ a", df, groups=df["g"]).fit()
    arima, smooth = tsa.ARIMA(series, order=(1, 0, 0)).fit(), tsa.ExponentialSmoothing(series, trend="add").fit()
    var = tsa.VAR(df[["a", "b"]]).fit(1)
    means = sms.CompareMeans(sms.DescrStatsW(df["a"]), sms.DescrStatsW(df["b"]))
    fits = [line, logit, glm, mixed, arima, smooth, var, smf.quantreg("b ~ a", df).fit(), smf.rlm("b ~ a", df).fit(), tsa.AutoReg(series, 1).fit(), sm.GEE.from_formula("b ~ a", "g", df).fit(),
            smf.poisson("y ~ a", df).fit(disp=0), tsa.SARIMAX(series).fit(disp=0), sm.PHReg(series, df[["b"]]).fit(), sm.MNLogit(df["y"], df[["a"]]).fit(disp=0)]
    return fits + [f.model for f in fits] + [line.summary(), line.get_prediction(df), line.get_influence(), OLSInfluence(line), line.t_test("a = 0"), line.f_test("a = 0"), glm.get_prediction(df), tsa.STL(series, period=4).fit(),
            tsa.seasonal_decompose(series, period=4), arima.get_forecast(2), var.irf(2), means, means.d1, sms.Table2x2([[3, 4], [5, 6]]), pairwise_tukeyhsd(df["a"], df["g"]), sms.TTestIndPower(), sm.families.Binomial(),
            sms.anova_lm(line), sm.nonparametric.KDEUnivariate(series), sm.PCA(df[["a", "b"]]), sm.ProbPlot(series), sms.AnovaRM(df.assign(s=list(range(20)) * 2, w=["x"] * 20 + ["y"] * 20), "a", "s", within=["w"]).fit(),
            sm.SurvfuncRight(series, df["y"])]


def learned():
    """Estimators of scikit-learn after they were fitted, for what they have learned ends in an underscore."""
    from sklearn import (calibration, cluster, compose, decomposition, discriminant_analysis, dummy, ensemble, feature_extraction, feature_selection, impute, inspection, isotonic, linear_model, manifold, metrics, mixture, model_selection,
                         naive_bayes, neighbors, neural_network, pipeline, preprocessing, svm, tree)
    df = numbers()
    x, y, n = df[["a", "b"]], df["y"], df["a"] - df["a"].min() + 1
    classes = [linear_model.LogisticRegression(), linear_model.SGDClassifier(), tree.DecisionTreeClassifier(), ensemble.RandomForestClassifier(3, oob_score=True), ensemble.GradientBoostingClassifier(n_estimators=3),
               ensemble.HistGradientBoostingClassifier(max_iter=3), ensemble.AdaBoostClassifier(n_estimators=3), ensemble.VotingClassifier([("a", linear_model.LogisticRegression())]), svm.SVC(probability=True), svm.LinearSVC(),
               naive_bayes.GaussianNB(), naive_bayes.MultinomialNB(), neighbors.KNeighborsClassifier(), neural_network.MLPClassifier(max_iter=3), dummy.DummyClassifier(), discriminant_analysis.LinearDiscriminantAnalysis(),
               calibration.CalibratedClassifierCV(linear_model.LogisticRegression()), ensemble.StackingClassifier([("a", linear_model.LogisticRegression())])]
    lines = [linear_model.LinearRegression(), linear_model.RidgeCV(), linear_model.LassoCV(), linear_model.ElasticNet(), linear_model.HuberRegressor(), linear_model.PoissonRegressor(), linear_model.RANSACRegressor(), linear_model.BayesianRidge(),
             tree.DecisionTreeRegressor(), ensemble.RandomForestRegressor(3), ensemble.IsolationForest(n_estimators=3), svm.SVR(), neighbors.KNeighborsRegressor(), compose.TransformedTargetRegressor(), linear_model.QuantileRegressor(),
             pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LinearRegression()), model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [1.0]}), model_selection.RandomizedSearchCV(linear_model.Ridge(), {"alpha": [1.0]}, n_iter=1)]
    parts = [cluster.KMeans(2), cluster.DBSCAN(), cluster.AgglomerativeClustering(), decomposition.PCA(), decomposition.TruncatedSVD(1), decomposition.NMF(1), mixture.GaussianMixture(2), preprocessing.StandardScaler(), preprocessing.MinMaxScaler(),
             preprocessing.OneHotEncoder(), preprocessing.OrdinalEncoder(), preprocessing.PolynomialFeatures(), preprocessing.PowerTransformer(), preprocessing.QuantileTransformer(n_quantiles=5), preprocessing.KBinsDiscretizer(2), impute.SimpleImputer(), impute.KNNImputer(),
             compose.ColumnTransformer([("a", "passthrough", ["a"])]), neighbors.NearestNeighbors(), neighbors.LocalOutlierFactor(), manifold.TSNE(perplexity=3), neighbors.KernelDensity(), feature_selection.VarianceThreshold()]
    positive = x - x.min() + 1
    fits = [c.fit(positive, y) for c in classes] + [e.fit(positive, n) for e in lines] + [p.fit(positive) for p in parts]
    fits += [isotonic.IsotonicRegression().fit(n, y), preprocessing.LabelEncoder().fit(df["g"]), feature_extraction.text.TfidfVectorizer().fit(["one two", "two three"]), feature_selection.SelectKBest(k=1).fit(x, y), feature_selection.RFE(linear_model.LinearRegression()).fit(x, n)]
    first = fits[0]
    return fits + [model_selection.KFold(), model_selection.StratifiedKFold(), model_selection.TimeSeriesSplit(), metrics.ConfusionMatrixDisplay.from_predictions(y, y), metrics.RocCurveDisplay.from_predictions(y, n),
                   inspection.permutation_importance(first, positive, y, n_repeats=1), inspection.PartialDependenceDisplay.from_estimator(first, positive, ["a"]), fits[2].tree_, model_selection.learning_curve, metrics.make_scorer(metrics.r2_score)]


def numbers():
    """A small table of which every model can make something."""
    import numpy as np
    import pandas as pd
    rng = np.random.default_rng(0)
    a = rng.normal(size=40)
    return pd.DataFrame({"a": a, "b": 2 * a + rng.normal(size=40), "y": (rng.random(40) > 0.5).astype(int), "g": ["u", "v"] * 20})
